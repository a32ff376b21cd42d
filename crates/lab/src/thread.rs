//! The thread that a part of the lab runs on: what is measured does not run on what measures.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with a runtime of its own.
#[derive(Debug)]
pub(super) struct Thread {
    /// The runtime ends when this is dropped.
    life: oneshot::Sender<()>,
    /// Says so when it has ended.
    ended: oneshot::Receiver<()>,
}

impl Thread {
    /// Starts one.
    pub(super) fn start() -> io::Result<(Handle, Self)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (life, over) = oneshot::channel();
        let (last_word, ended) = oneshot::channel();
        let run = move || {
            let _ = runtime.block_on(over);
            drop(runtime);
            drop::<oneshot::Sender<()>>(last_word);
        };
        std::thread::Builder::new().name("lab".to_owned()).spawn(run)?;
        Ok((handle, Self { life, ended }))
    }

    /// Ends it, with everything that runs on it.
    pub(super) async fn stop(self) {
        drop(self.life);
        let _ = self.ended.await;
    }
}
