//! Runs that never reach a service: every probe ends in the same class, for the same reason.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::super::support::fault::Plan;
use super::super::support::lapse::Lapse;
use super::super::support::listener;
use super::super::support::report::Report;
use super::super::support::server::{Server, Speech};

/// Probes on both lanes for half a second; every one of them must end in `class`.
fn all_are(class: &str, args: &[&str]) -> Report {
    let ended = Lapse::run(args).end_with([
        "--rate",
        "40/s",
        "--duration",
        "500ms",
        "--timeout",
        "700ms",
        "--connect-timeout",
        "300ms",
    ]);
    let report = ended.report();
    for lane in &report.target().lanes {
        assert!(lane.offered > 0);
        assert_eq!(
            (lane.count(class), lane.resolved),
            (lane.offered, lane.offered),
            "{}: {:?}",
            lane.name,
            lane.classes
        );
        assert_eq!(lane.outages.len(), 1, "{}", lane.name);
        assert_eq!(lane.outages[0].duration.at_most_ns, None, "nobody knows how long it had been so, or would be");
        assert_eq!(lane.outages[0].failed, lane.offered);
    }
    assert_eq!(report.failures.kept.len() as u64, report.target().totals.failed);
    report
}

#[test]
fn nobody_listens() {
    let door = listener::bind();
    let address = door.local_addr().unwrap();
    drop(door);
    let report = all_are("refused", &[&format!("http://{address}/")]);
    assert!(report.failures.kept.iter().all(|failure| failure.peer.as_deref() == Some(&address.to_string())));
}

#[test]
fn a_name_that_does_not_resolve() {
    all_are("dns", &["http://no-such-host.invalid/"]);
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let server = Server::start(Speech::Https1, Plan::healthy());
    all_are("tls", &[&server.url()]);
    assert_eq!(server.ledger().requests.len(), 0);
}

#[test]
fn a_full_backlog_is_a_connect_timeout() {
    let door = TcpListener::bind((std::net::Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), 1), 0)).unwrap();
    rustix::net::listen(&door, 0).unwrap();
    let address = door.local_addr().unwrap();
    // With a backlog of none the kernel keeps one connection and drops the SYNs of the others.
    let patience = Duration::from_millis(100);
    let mut inside = Vec::new();
    while let Ok(tcp) = TcpStream::connect_timeout(&address, patience) {
        inside.push(tcp);
    }
    let report = all_are("connect-timeout", &[&format!("http://{address}/")]);
    for failure in &report.failures.kept {
        assert!(failure.done_ns - failure.sent_ns >= 300_000_000, "{failure:?}");
    }
}

#[test]
fn no_route_is_unreachable() {
    // A multicast group takes no connections: the kernel says so at once, whatever routes there are.
    let error = TcpStream::connect("224.0.0.1:80").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NetworkUnreachable, "the kernel's word for it");
    all_are("unreachable", &["http://224.0.0.1/"]);
}
