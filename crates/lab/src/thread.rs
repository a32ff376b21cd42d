//! A thread for a part of the lab, so that the measured service does not share a thread with the prober.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with a single-threaded runtime.
#[derive(Debug)]
pub(super) struct Thread {
    /// The runtime ends when this sender is dropped.
    life: oneshot::Sender<()>,
    /// Closed when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Thread {
    /// Starts the thread. Fails where the system refuses a runtime or a thread.
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

    /// Stops the thread and all tasks on it; returns once both have ended.
    pub(super) async fn stop(self) {
        drop(self.life);
        let _ = self.ended.await;
    }
}
