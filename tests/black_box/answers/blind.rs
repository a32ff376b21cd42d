//! Time in which the prober cannot send is blind time, never downtime.

use std::time::Duration;

use rustix::process::Signal;

use super::super::support::clock;
use super::super::support::fault::{Fault, Plan};
use super::super::support::lapse::Lapse;
use super::super::support::report::Lane;
use super::super::support::server::{Protocol, Server};

#[test]
fn a_run_out_of_descriptors_is_blind_and_shows_no_downtime() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Freeze, 500, 2000));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -n 200 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_lapse"), "run", "--out", "runs"]);
    shell.args([&server.url(), "--lanes", "new", "--rate", "200/s", "--duration", "2500ms"]);
    let report = Lapse::from(shell).end().report();
    let lane = report.lane("new");
    assert!(lane.not_sent > 0 && lane.not_sent == lane.blind(), "{:?}", lane.classes);
    assert_eq!(lane.failed(), std::collections::BTreeMap::new());
    assert!(lane.outages.is_empty(), "{:?}", lane.outages);
    assert_eq!(lane.answered(), server.ledger_of(&report).requests.len() as u64);
    assert!(report.target().totals.blind_ns > 0);
    assert_eq!(report.verdict.result, "inconclusive");
}

#[test]
fn a_stopped_prober_is_blind_and_shows_no_downtime() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let running =
        Lapse::against(&server, Protocol::Http1, ["--rate", "200/s", "--duration", "2s", "--timeout", "500ms"]).start();
    while server.ledger().requests.len() < 50 {
        std::thread::sleep(Duration::from_millis(5));
    }
    running.signal(Signal::STOP);
    let from = clock::now();
    clock::sleep_until(from + 700_000_000);
    let stopped = clock::now() - from;
    running.signal(Signal::CONT);
    let report = running.end().report();
    for lane in &report.target().lanes {
        assert_eq!(lane.failed(), std::collections::BTreeMap::new(), "{}", lane.name);
        assert!(lane.outages.is_empty());
    }
    // The part of the gap beyond the period of 10 ms is blind.
    assert!(
        report.target().totals.blind_ns >= stopped - 20_000_000,
        "{} of {stopped}",
        report.target().totals.blind_ns
    );
    assert_eq!(report.verdict.result, "inconclusive");
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    assert_eq!(answered, server.ledger_of(&report).requests.len() as u64);
}
