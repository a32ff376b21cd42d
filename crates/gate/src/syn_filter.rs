//! Drops selected SYNs with a BPF filter, so that single connections time out.
//!
//! The decision depends on the client's port alone, so that all retries of a connection are dropped or none is, as
//! where connection tracking has bound the connection to a pod without network.

use socket2::SockFilter;

/// The number of ports that one filter can name: it may have 4096 instructions (`BPF_MAXINSNS`).
const MAX_PORTS: usize = 1_500;

/// The share of new connections whose SYNs are dropped: `part` of `whole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    part: u32,
    /// At least one.
    whole: u32,
}

/// A selection of new connections whose SYNs are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynFilter {
    share: Share,
    /// The seed that decides which ports belong to the share.
    lot: u32,
    /// Ports that are dropped in any case.
    pending: Vec<u16>,
}

impl SynFilter {
    /// A filter that drops every SYN.
    pub const fn all() -> Self {
        Self { share: Share { part: 1, whole: 1 }, lot: 0, pending: Vec::new() }
    }

    /// A filter that drops `part` of `whole`, chosen anew by each call.
    pub fn share(part: usize, whole: usize) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let share = Share { part: count(part), whole: count(whole).max(1) };
        Self { share, lot: fastrand::u32(..), pending: Vec::new() }
    }

    /// Also drops SYNs from the ports in `pending`.
    pub fn hold(&mut self, mut pending: Vec<u16>) {
        pending.truncate(MAX_PORTS);
        self.pending = pending;
    }

    /// The filter as a BPF program; the kernel runs it on each packet from the TCP header on.
    pub fn program(&self) -> Vec<SockFilter> {
        let Share { part, whole } = self.share;
        let mut program = vec![
            // Packets of existing connections pass: only a SYN without an ACK opens a new one.
            op(LOAD_BYTE, TCP_FLAGS),
            op(AND, SYN | ACK),
            jump(JUMP_IF_EQUAL, SYN, 1, 0),
            op(RETURN, PASS),
            op(LOAD_HALF, TCP_SOURCE),
        ];
        for port in &self.pending {
            program.extend([jump(JUMP_IF_EQUAL, u32::from(*port), 0, 1), op(RETURN, DROP)]);
        }
        // Hashes the port, so that consecutive ports get independent results.
        program.extend([
            op(ADD, self.lot),
            op(MULTIPLY, 0x9e37_79b1),
            op(COPY, 0),
            op(SHIFT_RIGHT, 15),
            op(XOR_COPY, 0),
        ]);
        program.extend([op(MULTIPLY, 0x85eb_ca77), op(COPY, 0), op(SHIFT_RIGHT, 13), op(XOR_COPY, 0)]);
        program.extend([op(MODULO, whole), jump(JUMP_IF_LESS_OR_MORE, part, 1, 0), op(RETURN, DROP), op(RETURN, PASS)]);
        program
    }
}

/// Offsets in a TCP header (RFC 9293, section 3.1).
const TCP_SOURCE: u32 = 0;
const TCP_FLAGS: u32 = 13;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;

/// Op codes of classic BPF (`linux/bpf_common.h`).
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const ADD: u16 = 0x04;
const MULTIPLY: u16 = 0x24;
const MODULO: u16 = 0x94;
const AND: u16 = 0x54;
const SHIFT_RIGHT: u16 = 0x74;
const XOR_COPY: u16 = 0xac;
const COPY: u16 = 0x07;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_LESS_OR_MORE: u16 = 0x35;
const RETURN: u16 = 0x06;
/// The filter's result for a packet that passes whole.
const PASS: u32 = u32::MAX;
const DROP: u32 = 0;

const fn op(code: u16, operand: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, operand)
}

/// A jump: skips `if_so` instructions if the condition holds, else `if_not`.
const fn jump(code: u16, operand: u32, if_so: u8, if_not: u8) -> SockFilter {
    SockFilter::new(code, if_so, if_not, operand)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use socket2::SockRef;
    use tokio::net::TcpSocket;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::*;
    use crate::gated_listener::GatedListener;

    const A_MOMENT: Duration = Duration::from_millis(200);

    /// Whether a connection from `port`, or from any port for 0, is established, and the port that was used.
    async fn passes(gate: &GatedListener, port: u16) -> (bool, u16) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // Closed by a reset, so that no TIME_WAIT keeps the port.
        SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let connected = timeout(A_MOMENT, socket.connect(gate.address())).await;
        (connected.is_ok_and(|connected| connected.is_ok()), port)
    }

    fn gate() -> GatedListener {
        GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_share_of_the_ports_vanishes_and_each_one_whenever_it_comes_back() {
        let gate = Arc::new(gate());
        let _listener = gate.open().unwrap();
        gate.sift(&SynFilter::share(1, 2)).unwrap();
        let mut tries = JoinSet::new();
        for _ in 0..200 {
            let gate = Arc::clone(&gate);
            tries.spawn(async move {
                let (first, port) = passes(&gate, 0).await;
                (first, passes(&gate, port).await.0)
            });
        }
        let fates = tries.join_all().await;
        let passed = fates.iter().filter(|(first, _)| *first).count();
        // Of 200 fair coins fewer than 50 or more than 150 show heads once in 10^13 times.
        assert!((50..=150).contains(&passed), "{passed} of 200 passed");
        assert!(fates.iter().all(|(first, second)| first == second));
        let (mut filter, (_, port)) = (SynFilter::share(0, 1), passes(&gate, 0).await);
        filter.hold(vec![port]);
        gate.sift(&filter).unwrap();
        assert_eq!((passes(&gate, port).await.0, passes(&gate, 0).await.0), (false, true));
    }

    #[test]
    fn the_longest_filter_is_one_that_the_kernel_takes() {
        let mut filter = SynFilter::share(1, 2);
        filter.hold((0..=u16::MAX).collect());
        gate().sift(&filter).unwrap();
    }
}
