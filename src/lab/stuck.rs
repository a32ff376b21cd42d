//! Who has met a pod whose network is gone: whoever waits in vain for a connection while such a pod is listed.
//!
//! Known from the kernel's table of connections, so only of clients on this machine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use procfs::net::{TcpState, tcp, tcp6};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::chronicle::Chronicle;
use super::sieve::MOST;
use crate::measure::time::Offset;

/// How long connection tracking remembers a connection that nobody answered (`nf_conntrack_tcp_timeout_syn_sent`).
const MEMORY: Duration = Duration::from_secs(120);
/// How often to look: well within the second after which a client asks again.
const OFTEN: Duration = Duration::from_millis(200);

/// The ports of those who have met nobody.
#[derive(Debug)]
pub(super) struct Stuck {
    ports: watch::Receiver<Vec<u16>>,
    swallowing: watch::Sender<bool>,
}

/// Ports, and since when each is remembered; the earliest first.
#[derive(Debug, Default)]
struct Memory(VecDeque<(Offset, u16)>);

impl Stuck {
    /// Takes down, for as long as there is a world, who waits in vain for a connection to `port`.
    pub(super) fn at(port: u16, chronicle: Arc<Chronicle>) -> Self {
        let ((tell, ports), (swallowing, asked)) = (watch::channel(Vec::new()), watch::channel(false));
        tokio::spawn(look(port, asked, tell, chronicle));
        Self { ports, swallowing }
    }

    /// Whether connections vanish from now on. When that ends, it looks once more.
    pub(super) fn look_out(&self, swallowing: bool) {
        self.swallowing.send_replace(swallowing);
    }

    /// Those that are remembered.
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

async fn look(
    port: u16,
    mut swallowing: watch::Receiver<bool>,
    ports: watch::Sender<Vec<u16>>,
    chronicle: Arc<Chronicle>,
) {
    let mut memory = Memory::default();
    while swallowing.wait_for(|swallowing| *swallowing).await.is_ok() {
        let mut last = false;
        while !last {
            last = !*swallowing.borrow_and_update();
            // The kernel walks through all that it has: not in the thread that serves.
            let waiting = spawn_blocking(move || waiting(port)).await.unwrap_or_default();
            memory.add(waiting, chronicle.now());
            ports.send_if_modified(|ports| {
                let now = memory.0.iter().map(|(_, port)| *port).collect();
                std::mem::replace(ports, now) != *ports
            });
            let _ = timeout(OFTEN, swallowing.changed()).await;
        }
    }
}

/// The ports from which somebody waits for a connection to `port`.
fn waiting(port: u16) -> Vec<u16> {
    let all = [tcp(), tcp6()].into_iter().flatten().flatten();
    let waiting = all.filter(|one| one.state == TcpState::SynSent && one.remote_address.port() == port);
    waiting.map(|one| one.local_address.port()).collect()
}

impl Memory {
    fn add(&mut self, ports: Vec<u16>, now: Offset) {
        self.0.retain(|(since, port)| now.since(*since) < MEMORY && !ports.contains(port));
        self.0.extend(ports.into_iter().map(|port| (now, port)));
        self.0.drain(..self.0.len().saturating_sub(MOST));
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::lab::door::Door;

    #[tokio::test]
    async fn who_waits_in_vain_is_remembered() {
        let door = Door::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        door.swallow().unwrap();
        let (events, _told) = tokio::sync::mpsc::unbounded_channel();
        let mut stuck = Stuck::at(door.address().port(), Arc::new(Chronicle::new(|| Offset::ZERO, events)));
        stuck.look_out(true);
        let mut found = stuck.watch();
        tokio::select! {
            connected = TcpStream::connect(door.address()) => panic!("{connected:?}"),
            _ = found.changed() => {}
        }
        assert_eq!(stuck.ports().len(), 1);
    }

    #[test]
    fn memory_fades_and_has_its_limits() {
        let mut memory = Memory::default();
        memory.add(vec![1, 2], Offset::ZERO);
        memory.add(vec![2], Offset::from_millis(1));
        assert_eq!(memory.0, [(Offset::ZERO, 1), (Offset::from_millis(1), 2)]);
        memory.add(vec![], Offset::ZERO + MEMORY);
        assert_eq!(memory.0, [(Offset::from_millis(1), 2)]);
        memory.add((0..2000).collect(), Offset::ZERO + MEMORY);
        assert_eq!(memory.0.len(), MOST);
    }
}
