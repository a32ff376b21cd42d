//! What the command line promises: exit codes, streams, signals, and reports made again.

mod again;
mod calibrate;
mod command;
mod formats;
mod request;
mod usage;
mod verdict;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Server, Speech};

pub(super) fn healthy() -> Server {
    Server::start(Speech::Http1, Plan::healthy())
}

/// Answers 503 for 300 ms.
fn unwell() -> Server {
    Server::start(Speech::Http1, Plan::healthy().then(Fault::Status(503), 300, 600))
}

/// A busy machine makes a prober blind now and then; verdicts about the service are tested in spite of it.
pub(super) const BLIND: &str = "--max-blind=50%,500ms";

/// One second of probes without a command.
fn watch(server: &Server, args: &[&str]) -> Ended {
    Lapse::against(server, Speech::Http1, ["--rate", "100/s", "--duration", "1s", BLIND]).end_with(args)
}

/// A short baseline, the command, and a short settling.
fn around(server: &Server, command: &[&str]) -> Lapse {
    let args = [BLIND, "--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "1s", "--"];
    Lapse::against(server, Speech::Http1, args.iter().chain(command))
}

fn verdict(ended: &Ended) -> (Option<i32>, String) {
    let report = ended.report();
    assert_eq!(Some(report.verdict.exit_code), ended.code(), "the report knows the exit code");
    (ended.code(), report.verdict.result)
}
