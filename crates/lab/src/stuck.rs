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
pub(super) struct Stuck {
    ports: watch::Receiver<Vec<u16>>,
    swallowing: watch::Sender<bool>,
}

impl Stuck {
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
        let (mut stuck, mut newcomers) = (Vec::new(), true);
        while newcomers || !stuck.is_empty() {
            let goes_on = *swallowing.borrow_and_update();
            // The kernel walks through all that it has: not in the thread that serves.
            let waiting = spawn_blocking(move || waiting(port)).await.unwrap_or_default();
            if newcomers {
                stuck = waiting;
            } else {
                stuck.retain(|port| waiting.contains(port));
            }
            ports.send_if_modified(|known| {
                *known != stuck && {
                    known.clone_from(&stuck);
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
    use crate::door::Door;

    #[tokio::test]
    async fn who_waits_in_vain_is_known_until_it_gives_up() {
        let door = Door::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        door.swallow().unwrap();
        let mut stuck = Stuck::at(door.address().port());
        stuck.look_out(true);
        let mut found = stuck.watch();
        tokio::select! {
            connected = TcpStream::connect(door.address()) => panic!("{connected:?}"),
            _ = found.wait_for(|ports| !ports.is_empty()) => {}
        }
        assert_eq!(stuck.ports().len(), 1);
        stuck.look_out(false);
        found.wait_for(Vec::is_empty).await.unwrap();
    }
}
