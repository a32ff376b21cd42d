//! Local ports, round and round: the next one is the one that was used longest ago.
//!
//! Left to itself the kernel comes back to a port within about a second. What stands in between may not have forgotten what
//! became of its last connection by then: connection tracking, and so kube-proxy and most kinds of NAT, sends a port
//! that met a dead pod to that pod again, for 10 s after a reset and for 120 s where nobody answered
//! (`nf_conntrack_tcp_timeout_close`, `nf_conntrack_tcp_timeout_syn_sent`). Few clients open so many connections that
//! they would see that, and it must not look like an outage that goes on.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::{TcpSocket, TcpStream};

/// Ports that are tried before the choice is left to the kernel.
const TRIES: usize = 32;

/// One ring for the process: a port is the machine's, whatever it is used for.
static RING: LazyLock<Option<Ring>> = LazyLock::new(Ring::of_this_machine);

/// The ports of a range, in turn.
#[derive(Debug)]
struct Ring {
    first: u16,
    count: u32,
    turn: AtomicU32,
}

/// Connects to `address` from the port whose turn it is. Gives the port along with the stream.
pub(super) async fn connect(address: SocketAddr) -> io::Result<(TcpStream, u16)> {
    if let Some(ring) = RING.as_ref() {
        // From a port to itself there is a connection even where nobody listens.
        for port in ring.take(TRIES).filter(|port| *port != address.port()) {
            match from(port, address).await {
                // Somebody else has it, or is on the way to the same place with it: nothing was sent yet.
                Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable) => {}
                other => return other.map(|stream| (stream, port)),
            }
        }
    }
    let stream = TcpStream::connect(address).await?;
    let port = stream.local_addr()?.port();
    Ok((stream, port))
}

async fn from(port: u16, address: SocketAddr) -> io::Result<TcpStream> {
    let (socket, any) = match address {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, Ipv4Addr::UNSPECIFIED.into()),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, Ipv6Addr::UNSPECIFIED.into()),
    };
    // A port may still be on its way out with an older connection.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(any, port))?;
    socket.connect(address).await
}

impl Ring {
    /// The range from which the kernel would choose; `None` where it does not say.
    fn of_this_machine() -> Option<Self> {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
        let mut ends = range.split_whitespace().map(str::parse);
        let (first, last): (u16, u16) = (ends.next()?.ok()?, ends.next()?.ok()?);
        // Not where the run before began: what it used last is what was used last.
        (first > 0 && first <= last).then(|| Self::of(first, last, fastrand::u32(..=u32::from(last - first))))
    }

    const fn of(first: u16, last: u16, start: u32) -> Self {
        Self { first, count: (last - first) as u32 + 1, turn: AtomicU32::new(start) }
    }

    /// The next few, each when it is asked for.
    fn take(&self, most: usize) -> impl Iterator<Item = u16> {
        let next = || self.turn.fetch_add(1, Ordering::Relaxed) % self.count;
        (0..most).map(move |_| self.first + u16::try_from(next()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_its_turn_before_the_first_one_has_it_again() {
        let ring = Ring::of(65_533, 65_535, 7);
        let ports: Vec<_> = ring.take(6).collect();
        assert_eq!(ports, [65_534, 65_535, 65_533, 65_534, 65_535, 65_533]);
    }

    #[tokio::test]
    async fn a_port_that_somebody_listens_at_is_passed_over() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let taken = from(address.port(), address).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let (stream, port) = connect(address).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().port(), port);
    }
}
