//! The listener: accepts connections, and is closed while the plan has the fault `Refuse`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::clock;
use super::fault::Fault;
use super::server::Shared;

/// The longest wait for a connection before the listener checks whether the server must stop.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Listens on a random loopback address, so that no other process takes the port while the listener is closed.
pub(crate) fn bind() -> TcpListener {
    loop {
        let address = Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), fastrand::u8(1..255));
        if let Ok(listener) = TcpListener::bind((address, 0)) {
            return listener;
        }
    }
}

/// Accepts connections until the server stops, with the listener closed during each `Refuse`.
pub(crate) fn listen(shared: &Arc<Shared>, mut listener: TcpListener) {
    let address = listener.local_addr().unwrap();
    let mut accepted = 0;
    for (place, stretch) in shared.plan.0.iter().enumerate().filter(|(_, stretch)| stretch.fault == Fault::Refuse) {
        accept(shared, &listener, &mut accepted, Some(stretch.from));
        if shared.stopped() {
            return;
        }
        let start = shared.ledger().start.unwrap();
        let before = clock::now();
        drop(listener);
        shared.reset_all();
        let began = (before, clock::now());
        clock::sleep_until(start + u64::try_from(stretch.to.as_nanos()).unwrap());
        let before = clock::now();
        listener = rebind(address);
        shared.ledger().edges.insert(place, (began, (before, clock::now())));
    }
    accept(shared, &listener, &mut accepted, None);
}

fn rebind(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).expect("no other process uses this address")
}

/// Accepts connections until `until` has passed since the first one, or until the server stops.
fn accept(shared: &Arc<Shared>, listener: &TcpListener, accepted: &mut u64, until: Option<Duration>) {
    listener.set_nonblocking(true).unwrap();
    while !shared.stopped() {
        let start = shared.ledger().start;
        let passed = Duration::from_nanos(start.map_or(0, |start| clock::now() - start));
        let left = until.map_or(POLL_INTERVAL, |until| until.saturating_sub(passed));
        if left.is_zero() {
            return;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(POLL_INTERVAL).subsec_nanos()) };
        // An interrupted poll only shortens the wait.
        let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&timeout));
        while let Ok((tcp, _)) = listener.accept() {
            shared.ledger().start.get_or_insert_with(clock::now);
            shared.accept(*accepted, tcp);
            *accepted += 1;
        }
    }
}
