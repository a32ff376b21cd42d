//! Who has met a pod whose network is gone: whoever waits in vain for a connection while such a pod is listed.
//!
//! Known from the kernel's table of connections, so only of clients on this machine.

use std::time::Duration;

use procfs::net::{TcpState, tcp, tcp6};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How often to look: well within the second after which a client asks again.
const OFTEN: Duration = Duration::from_millis(200);

/// The ports of those who have met nobody, until they give up.
#[derive(Debug)]
pub(super) struct PendingConnects {
    ports: watch::Receiver<Vec<u16>>,
    swallowing: watch::Sender<bool>,
}

impl PendingConnects {
    /// Takes down, for as long as there is a world, who waits in vain for a connection to `port`.
    pub(super) fn at(port: u16) -> Self {
        let ((tell, ports), (swallowing, asked)) = (watch::channel(Vec::new()), watch::channel(false));
        tokio::spawn(look(port, asked, tell));
        Self { ports, swallowing }
    }

    /// Whether connections vanish from now on. When that ends, it looks once more.
    pub(super) fn look_out(&self, swallowing: bool) {
        self.swallowing.send_replace(swallowing);
    }

    /// Those that still wait.
    pub(super) fn ports(&mut self) -> Vec<u16> {
        self.ports.borrow_and_update().clone()
    }

    /// Whether there are others than those of the last time.
    pub(super) fn has_changed(&self) -> bool {
        self.ports.has_changed().unwrap_or(false)
    }

    /// Wakes whenever there are others than now.
    pub(super) fn watch(&self) -> watch::Receiver<Vec<u16>> {
        self.ports.clone()
    }
}

async fn look(port: u16, mut swallowing: watch::Receiver<bool>, ports: watch::Sender<Vec<u16>>) {
    while swallowing.wait_for(|swallowing| *swallowing).await.is_ok() {
        let (mut pending, mut newcomers) = (Vec::new(), true);
        while newcomers || !pending.is_empty() {
            let goes_on = *swallowing.borrow_and_update();
            // The kernel walks through all that it has: not in the thread that serves.
            let waiting = spawn_blocking(move || waiting(port)).await.unwrap_or_default();
            if newcomers {
                pending = waiting;
            } else {
                pending.retain(|port| waiting.contains(port));
            }
            ports.send_if_modified(|known| {
                *known != pending && {
                    known.clone_from(&pending);
                    true
                }
            });
            newcomers = goes_on;
            let _ = timeout(OFTEN, swallowing.changed()).await;
        }
    }
}

/// The ports from which somebody waits for a connection to `port`, in order.
fn waiting(port: u16) -> Vec<u16> {
    let all = [tcp(), tcp6()].into_iter().flatten().flatten();
    let waiting = all.filter(|one| one.state == TcpState::SynSent && one.remote_address.port() == port);
    let mut ports: Vec<_> = waiting.map(|one| one.local_address.port()).collect();
    ports.sort_unstable();
    ports
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::gated_listener::GatedListener;

    #[tokio::test]
    async fn who_waits_in_vain_is_known_until_it_gives_up() {
        let gate = GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        gate.swallow().unwrap();
        let mut pending = PendingConnects::at(gate.address().port());
        pending.look_out(true);
        let mut found = pending.watch();
        tokio::select! {
            connected = TcpStream::connect(gate.address()) => panic!("{connected:?}"),
            _ = found.wait_for(|ports| !ports.is_empty()) => {}
        }
        assert_eq!(pending.ports().len(), 1);
        pending.look_out(false);
        found.wait_for(Vec::is_empty).await.unwrap();
    }
}
