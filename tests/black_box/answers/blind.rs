//! Where the prober could not look it is blind: never is the service down for that.

use std::time::Duration;

use rustix::process::Signal;

use super::super::support::clock;
use super::super::support::fault::{Fault, Plan};
use super::super::support::lapse::Lapse;
use super::super::support::report::Lane;
use super::super::support::server::{Server, Speech};

#[test]
fn without_descriptors_the_run_is_blind_and_not_the_service_down() {
    let server = Server::start(Speech::Http1, Plan::healthy().then(Fault::Freeze, 500, 2000));
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
fn a_prober_that_was_stopped_blames_itself() {
    let server = Server::start(Speech::Http1, Plan::healthy());
    let running =
        Lapse::against(&server, Speech::Http1, ["--rate", "200/s", "--duration", "2s", "--timeout", "500ms"]).start();
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
    // A gap counts as blind for what exceeds the period of 10 ms.
    assert!(
        report.target().totals.blind_ns >= stopped - 20_000_000,
        "{} of {stopped}",
        report.target().totals.blind_ns
    );
    assert_eq!(report.verdict.result, "inconclusive");
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    assert_eq!(answered, server.ledger_of(&report).requests.len() as u64);
}
