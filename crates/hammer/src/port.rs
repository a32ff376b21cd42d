//! Local ports in turn: the next one is the least recently used.
//!
//! The kernel's own choice returns to a port within about a second. Devices on the way may still remember its last
//! connection by then: connection tracking, and so kube-proxy and most kinds of NAT, sends a port
//! that met a dead pod to that pod again, for 10 s after a reset and for 120 s where no answer came
//! (`nf_conntrack_tcp_timeout_close`, `nf_conntrack_tcp_timeout_syn_sent`). Few clients open so many connections that
//! they would see that, and it must not look like an outage that goes on. So a port that led nowhere rests for as long.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use super::clock::Clock;
use lapse_measure::time::Offset;

/// Ports that are tried before the choice is left to the kernel.
const TRIES: usize = 32;
/// How long connection tracking on the way remembers an unanswered attempt.
const REST: Duration = Duration::from_secs(120);
/// New connections per second at the default rate.
const USUAL: u64 = 500;

/// The file in which the kernel gives its range of local ports.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// No local port was free to listen on.
#[derive(Debug, thiserror::Error)]
#[error(
    "no local port is free among {range}, the machine's range: widen it with `sysctl -w \
     net.ipv4.ip_local_port_range=\"32768 60999\"`, or end what holds the ports (`ss -tan`)"
)]
struct NoPortFree {
    /// First and last port of the range.
    range: String,
}

/// One ring for the process, with its own clock: ports belong to the machine, not to a run.
static PORTS: LazyLock<Option<Ports>> = LazyLock::new(Ports::of_this_machine);

#[derive(Debug)]
struct Ports {
    clock: Clock,
    ring: Mutex<PortRing>,
}

/// The ports of a range, except those on which a connection is being made.
#[derive(Debug)]
struct PortRing {
    /// The least recently used port first.
    ready: VecDeque<u16>,
    /// Ports whose connection attempt failed, and since when they rest.
    resting: VecDeque<(Offset, u16)>,
}

/// A port on which a connection is being made. Unless it is marked as good, the attempt failed or was given up.
struct PortLease {
    ports: &'static Ports,
    port: u16,
    good: bool,
}

/// Connects to `address` from the next port, and returns the port with the stream.
pub(super) async fn connect(address: SocketAddr) -> io::Result<(TcpStream, u16)> {
    for _ in 0..TRIES {
        let Some(mut lease) = PortLease::next() else { break };
        // From a port to itself there is a connection even where nothing listens.
        let tried = if lease.port == address.port() { None } else { Some(from(lease.port, address).await) };
        match tried {
            Some(Ok(stream)) => {
                lease.good = true;
                return Ok((stream, lease.port));
            }
            Some(Err(error)) if !is_taken(&error) => return Err(error),
            _ => lease.good = true,
        }
    }
    let stream = TcpStream::connect(address).await?;
    let port = stream.local_addr()?.port();
    Ok((stream, port))
}

/// Names the range of local ports where a listener found none free; other errors are left as they are.
pub(super) fn explain(error: io::Error) -> io::Error {
    match range() {
        Some((first, last)) if is_taken(&error) => {
            io::Error::new(error.kind(), NoPortFree { range: format!("{first} to {last}") })
        }
        _ => error,
    }
}

/// The first and last local port that the kernel assigns; `None` if it cannot be read.
fn range() -> Option<(u16, u16)> {
    let range = std::fs::read_to_string(RANGE).ok()?;
    let mut ends = range.split_whitespace().map(str::parse);
    Some((ends.next()?.ok()?, ends.next()?.ok()?))
}

/// Whether another socket has the port, or connects to the same address from it: nothing was sent yet.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
}

async fn from(port: u16, address: SocketAddr) -> io::Result<TcpStream> {
    let (socket, any) = match address {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, Ipv4Addr::UNSPECIFIED.into()),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, Ipv6Addr::UNSPECIFIED.into()),
    };
    // An older connection may still be closing on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(any, port))?;
    socket.connect(address).await
}

impl Ports {
    /// The kernel's range of local ports; `None` if it cannot be read.
    fn of_this_machine() -> Option<Self> {
        let (first, last) = range()?;
        let clock = Clock::start();
        // Consecutive runs at the usual rate use the ring as one long run would: the clock sets the starting point.
        let turn = clock.anchor().date.as_nanos() / 1_000_000_000 * USUAL;
        (first > 0 && first <= last).then(|| Self { clock, ring: Mutex::new(PortRing::of(first, last, turn)) })
    }

    fn with<T>(&self, act: impl FnOnce(&mut PortRing, Offset) -> T) -> T {
        act(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now())
    }
}

impl PortRing {
    fn of(first: u16, last: u16, turn: u64) -> Self {
        let mut ready: VecDeque<u16> = (first..=last).collect();
        ready.rotate_left(usize::try_from(turn % ready.len() as u64).unwrap_or(0));
        Self { ready, resting: VecDeque::new() }
    }

    /// If all ports rest, the one that has rested longest: a doubtful port is better than no probe.
    fn take(&mut self, now: Offset) -> Option<u16> {
        let rested = self.resting.partition_point(|(since, _)| now.since(*since) >= REST);
        self.ready.extend(self.resting.drain(..rested).map(|(_, port)| port));
        self.ready.pop_front().or_else(|| Some(self.resting.pop_front()?.1))
    }

    fn give_back(&mut self, port: u16, good: bool, now: Offset) {
        if good {
            self.ready.push_back(port);
        } else {
            self.resting.push_back((now, port));
        }
    }
}

impl PortLease {
    fn next() -> Option<Self> {
        let ports = PORTS.as_ref()?;
        let port = ports.with(PortRing::take)?;
        Some(Self { ports, port, good: false })
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.ports.with(|ring, now| ring.give_back(self.port, self.good, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_used_before_the_first_one_again() {
        let (now, mut ring) = (Offset::ZERO, PortRing::of(65_533, 65_535, 7));
        let mut turn = || {
            let port = ring.take(now).unwrap();
            ring.give_back(port, true, now);
            port
        };
        assert_eq!([(); 6].map(|()| turn()), [65_534, 65_535, 65_533, 65_534, 65_535, 65_533]);
    }

    #[test]
    fn a_port_whose_connection_failed_rests_unless_all_ports_do() {
        let (now, mut ring) = (Offset::ZERO, PortRing::of(1, 2, 0));
        let bad = ring.take(now).unwrap();
        ring.give_back(bad, false, now);
        assert_eq!(ring.take(now), Some(2));
        assert_eq!(ring.take(now), Some(1), "better a doubtful port than no probe");
        ring.give_back(1, false, now);
        ring.give_back(2, true, now);
        assert_eq!(ring.take(now), Some(2));
        ring.give_back(2, true, now);
        assert_eq!([ring.take(now + REST), ring.take(now + REST), ring.take(now + REST)], [Some(2), Some(1), None]);
    }

    #[test]
    fn without_a_free_port_the_error_names_the_range_and_how_to_widen_it() {
        let (first, last) = range().unwrap();
        let text = explain(io::ErrorKind::AddrInUse.into()).to_string();
        assert!(text.starts_with(&format!("no local port is free among {first} to {last}")), "{text}");
        assert!(text.contains("net.ipv4.ip_local_port_range"), "{text}");
        assert_eq!(explain(io::ErrorKind::PermissionDenied.into()).kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn a_port_with_a_listener_is_passed_over() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let taken = from(address.port(), address).await.unwrap_err();
        assert!(is_taken(&taken), "{taken}");
        let (stream, port) = connect(address).await.unwrap();
        assert_eq!(stream.local_addr().unwrap().port(), port);
    }
}
