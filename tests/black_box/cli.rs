//! The command line's promises: exit codes, streams, signals, and reports made again from a journal.

mod again;
mod calibrate;
mod command;
mod formats;
mod request;
mod shell;
mod usage;
mod verdict;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server};

pub(super) fn healthy() -> Server {
    Server::start(Protocol::Http1, Plan::healthy())
}

/// A server that answers 503 for 300 ms, from 300 to 600 ms after its first connection.
fn briefly_failing() -> Server {
    Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 300, 600))
}

/// Lets long outages go unseen, so that a busy machine does not change the verdicts that the tests expect.
pub(super) const ALLOW_UNSEEN: &str = "--resolution=1s";

/// Probes `server` for one second, without a command.
fn probe_for_a_second(server: &Server, args: &[&str]) -> Ended {
    Lapse::against(server, Protocol::Http1, ["--rate", "100/s", "--duration", "1s", ALLOW_UNSEEN]).end_with(args)
}

/// A run with a short baseline, `command` as its event, and a short settle phase.
fn run_with_command(server: &Server, command: &[&str]) -> Lapse {
    let args =
        [ALLOW_UNSEEN, "--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "1s", "--"];
    Lapse::against(server, Protocol::Http1, args.iter().chain(command))
}

pub(super) fn verdict(ended: &Ended) -> (Option<i32>, String) {
    let report = ended.report();
    assert_eq!(Some(report.verdict.exit_code), ended.code(), "the report has the exit code");
    (ended.code(), report.verdict.result)
}
