//! Clients whose SYNs are dropped: connections in `SYN_SENT` while a pod without network is listed.
//!
//! Read from the kernel's table of connections, so only clients on this machine are known.

use std::fs;
use std::net::{IpAddr, SocketAddr};
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
    /// Watches the table for pending connects to `address` while the value exists.
    pub fn at(address: SocketAddr) -> Self {
        let ((tell, ports), (swallowing, asked)) = (watch::channel(Vec::new()), watch::channel(false));
        tokio::spawn(look(remote(address), asked, tell));
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

async fn look(remote: String, mut swallowing: watch::Receiver<bool>, ports: watch::Sender<Vec<u16>>) {
    while swallowing.wait_for(|swallowing| *swallowing).await.is_ok() {
        let (mut pending, mut newcomers) = (Vec::new(), true);
        while newcomers || !pending.is_empty() {
            let goes_on = *swallowing.borrow_and_update();
            // In a blocking task: the kernel walks through its whole table.
            let of_remote = remote.clone();
            let waiting = spawn_blocking(move || waiting(&of_remote)).await.unwrap_or_default();
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

/// The end of an address as the kernel's table shows it: a port of a machine that has several addresses is at any of
/// them, and an address of IPv4 is the end of that which a socket of IPv6 uses for it.
fn remote(address: SocketAddr) -> String {
    let words: Vec<_> = match address.ip() {
        ip if ip.is_unspecified() => Vec::new(),
        IpAddr::V4(ip) => vec![u32::from_ne_bytes(ip.octets())],
        IpAddr::V6(ip) => {
            ip.octets().chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect()
        }
    };
    let words: Vec<_> = words.iter().map(|word| format!("{word:08X}")).collect();
    format!("{}:{:04X}", words.concat(), address.port())
}

/// The local ports of all connections to `remote` that still wait for an answer, in order.
fn waiting(remote: &str) -> Vec<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    let mut ports: Vec<_> = tables.flat_map(|table| pending(&table, remote)).collect();
    ports.sort_unstable();
    // The table can change while it is read, and then shows a connection more than once.
    ports.dedup();
    ports
}

/// The waiting local ports in one table: a line is `sl local_address rem_address st ...`, an address `0100007F:1F90`.
fn pending(table: &str, remote: &str) -> Vec<u16> {
    let of = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, to, state) = (fields.next()?, fields.next()?, fields.next()?);
        (state == SYN_SENT && to.ends_with(remote)).then(|| of(local))?
    };
    table.lines().skip(1).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;
    use crate::gated_listener::GatedListener;

    #[test]
    fn only_connections_that_wait_for_the_address_are_read_from_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
                     0: 0100007F:C350 0100007F:1F90 02 00000001:00000000\n\
                     1: 0100007F:C351 0100007F:1F90 01 00000000:00000000\n\
                     2: 0100007F:C352 0100007F:1F91 02 00000000:00000000\n\
                     3: 0100007F:C353 0200007F:1F90 02 00000000:00000000\n\
                     4: odd\n";
        let of = |address: &str| pending(table, &remote(address.parse().unwrap()));
        assert_eq!(of("127.0.0.1:8080"), [50_000]);
        assert_eq!(of("0.0.0.0:8080"), [50_000, 50_003], "any address of the machine");
        let mapped = "0: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:1F90 02";
        assert_eq!(pending(&format!("head\n{mapped}"), &remote("127.0.0.1:8080".parse().unwrap())), [50_000]);
        assert_eq!(remote("[::1]:8080".parse().unwrap()), "00000000000000000000000001000000:1F90");
    }

    #[tokio::test]
    async fn a_pending_connect_is_listed_until_its_client_gives_up() {
        // An address of its own, where no client of another server comes by.
        let gate = GatedListener::bind("127.91.7.3:0".parse().unwrap()).unwrap();
        gate.swallow().unwrap();
        let pending = PendingConnects::at(gate.address());
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
