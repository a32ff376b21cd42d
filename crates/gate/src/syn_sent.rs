//! Clients whose SYNs are dropped: connections in `SYN_SENT` while a pod without network is listed.
//!
//! Read from the kernel's table of connections, so only clients on this machine are known.

use std::fs;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The interval between two reads: well within the second after which a client retries its SYN.
const OFTEN: Duration = Duration::from_millis(200);

/// The client ports with a pending connect; a port leaves when its client gives up.
#[derive(Debug)]
pub struct PendingConnects {
    ports: watch::Receiver<Vec<u16>>,
    swallowing: watch::Sender<bool>,
}

impl PendingConnects {
    /// Watches the table for pending connects to `port` while the value exists.
    pub fn at(port: u16) -> Self {
        let ((tell, ports), (swallowing, asked)) = (watch::channel(Vec::new()), watch::channel(false));
        tokio::spawn(look(port, asked, tell));
        Self { ports, swallowing }
    }

    /// Sets whether SYNs are being dropped; when that ends, the table is read once more.
    pub fn look_out(&self, swallowing: bool) {
        self.swallowing.send_replace(swallowing);
    }

    /// The ports whose connect is still pending.
    pub fn ports(&mut self) -> Vec<u16> {
        self.ports.borrow_and_update().clone()
    }

    /// Whether the ports have changed since [`Self::ports`].
    pub fn has_changed(&self) -> bool {
        self.ports.has_changed().unwrap_or(false)
    }

    /// A receiver that is notified when the ports change.
    pub fn watch(&self) -> watch::Receiver<Vec<u16>> {
        self.ports.clone()
    }
}

async fn look(port: u16, mut swallowing: watch::Receiver<bool>, ports: watch::Sender<Vec<u16>>) {
    while swallowing.wait_for(|swallowing| *swallowing).await.is_ok() {
        let (mut pending, mut newcomers) = (Vec::new(), true);
        while newcomers || !pending.is_empty() {
            let goes_on = *swallowing.borrow_and_update();
            // In a blocking task: the kernel walks through its whole table.
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

/// `SYN_SENT` among the states of a socket in `/proc/net/tcp` (the kernel's `include/net/tcp_states.h`).
const SYN_SENT: &str = "02";

/// The local ports of all connections to `port` that still wait for an answer, in order.
fn waiting(port: u16) -> Vec<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    let mut ports: Vec<_> = tables.flat_map(|table| pending(&table, port)).collect();
    ports.sort_unstable();
    ports
}

/// The waiting local ports in one table: a line is `sl local_address rem_address st ...`, an address `0100007F:1F90`.
fn pending(table: &str, port: u16) -> Vec<u16> {
    let of = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        (state == SYN_SENT && of(remote)? == port).then(|| of(local))?
    };
    table.lines().skip(1).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::gated_listener::GatedListener;

    #[test]
    fn only_connections_that_wait_for_the_port_are_read_from_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
                     0: 0100007F:C350 0100007F:1F90 02 00000001:00000000\n\
                     1: 0100007F:C351 0100007F:1F90 01 00000000:00000000\n\
                     2: 0100007F:C352 0100007F:1F91 02 00000000:00000000\n\
                     3: odd\n";
        assert_eq!(pending(table, 8080), [50_000]);
    }

    #[tokio::test]
    async fn a_pending_connect_is_listed_until_its_client_gives_up() {
        let gate = GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        gate.swallow().unwrap();
        let pending = PendingConnects::at(gate.address().port());
        pending.look_out(true);
        let mut found = pending.watch();
        // Counted while the connect is pending: it ends with this statement, and the next look may come before another.
        let listed = tokio::select! {
            connected = TcpStream::connect(gate.address()) => panic!("{connected:?}"),
            ports = found.wait_for(|ports| !ports.is_empty()) => ports.unwrap().len(),
        };
        assert_eq!(listed, 1);
        pending.look_out(false);
        found.wait_for(Vec::is_empty).await.unwrap();
    }
}
