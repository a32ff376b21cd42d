//! Runs that never reach a service: every probe has the same class.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::super::support::fault::Plan;
use super::super::support::lapse::Lapse;
use super::super::support::listener;
use super::super::support::report::Report;
use super::super::support::server::{Protocol, Server};

/// Probes on both lanes for half a second, and checks that every probe has the class `class`.
fn assert_all(class: &str, args: &[&str]) -> Report {
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
        assert_eq!(lane.outages[0].duration.at_most_ns, None, "an outage open at both ends has no upper bound");
        assert_eq!(lane.outages[0].failed, lane.offered);
    }
    assert_eq!(report.failures.kept.len() as u64, report.target().totals.failed);
    report
}

#[test]
fn a_closed_port_is_refused() {
    let socket = listener::bind();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let report = assert_all("refused", &[&format!("http://{address}/")]);
    assert!(report.failures.kept.iter().all(|failure| failure.peer.as_deref() == Some(&address.to_string())));
}

#[test]
fn a_name_that_does_not_resolve_is_dns() {
    assert_all("dns", &["http://no-such-host.invalid/"]);
}

#[test]
fn an_untrusted_certificate_is_tls() {
    let server = Server::start(Protocol::Https1, Plan::healthy());
    assert_all("tls", &[&server.url()]);
    assert_eq!(server.ledger().requests.len(), 0);
}

#[test]
fn a_full_backlog_is_a_connect_timeout() {
    let socket =
        TcpListener::bind((std::net::Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), 1), 0)).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let address = socket.local_addr().unwrap();
    // With a backlog of zero the kernel queues one connection and drops further SYNs.
    let timeout = Duration::from_millis(100);
    let mut queued = Vec::new();
    while let Ok(tcp) = TcpStream::connect_timeout(&address, timeout) {
        queued.push(tcp);
    }
    let report = assert_all("connect-timeout", &[&format!("http://{address}/")]);
    for failure in &report.failures.kept {
        assert!(failure.done_ns - failure.sent_ns >= 300_000_000, "{failure:?}");
    }
}

#[test]
fn no_route_is_unreachable() {
    // connect() to a multicast group fails at once with ENETUNREACH, whatever routes there are.
    let error = TcpStream::connect("224.0.0.1:80").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NetworkUnreachable, "the kernel reports no route");
    assert_all("unreachable", &["http://224.0.0.1/"]);
}
