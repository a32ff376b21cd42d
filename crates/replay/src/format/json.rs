//! The ledger as JSON with a schema, a stable interface for other programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::time::nanos;

use super::{Report, notes};
use crate::account;
use crate::playback::Position;
use crate::verdict::{Outcome, Verdict};

/// Value of the key `schema` in every ledger.
const SCHEMA: &str = "lapse/replay/v1";

/// What clients did during a replay. Values of keys that end in `_ns` are whole nanoseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ledger {
    /// Version of this layout: `lapse/replay/v1`.
    schema: &'static str,
    /// Name of the run.
    name: String,
    /// Name of the target in it.
    target: String,
    /// Offset of the run at which the part begins that is played.
    from_ns: u64,
    /// Offset at which it ends.
    to_ns: u64,
    /// How many times as fast as recorded it is played.
    speed: f64,
    /// `before` its start, `playing`, or `after` its end.
    phase: &'static str,
    /// Requests of logical requests that began while the run was played.
    requests: u64,
    logical_requests: Both,
    /// Requests beyond the first of each logical request.
    retries: u64,
    /// Requests for each logical request; null if there was none.
    amplification: Option<f64>,
    /// Logical requests that had a success.
    succeeded: Both,
    /// Logical requests that never had one.
    user_failures: Both,
    /// Those of the user failures for which the upstream failed at least once.
    user_failures_by_upstream: Both,
    /// Logical requests without a success that have a request under way.
    unfinished: Both,
    /// Requests that came before the start, or began after the end; in no figure.
    outside: u64,
    /// Requests with keys beyond those that are told apart; in no figure.
    left_out: u64,
    /// Connections that were accepted since the start.
    connections: u64,
    upstream: Upstream,
    /// Requests by the class that they met.
    classes: BTreeMap<String, u64>,
    /// What came in 100 ms on average before the first failure; null if that was less than 100 ms.
    usual: Option<Usual>,
    recoveries: Vec<Recovery>,
    /// For how long the port refuses connections or drops their SYNs in this part of the run, at the recorded speed.
    unconnectable_ns: u64,
    /// What a reader has to know of the figures.
    notes: Vec<String>,
    /// The verdict; null if nothing was expected.
    verdict: Option<Judged>,
}

/// A number of logical requests.
#[derive(Debug, Serialize, JsonSchema)]
struct Both {
    all: u64,
    /// Those that have a key.
    keyed: u64,
    /// Requests without a key, each of which counts as one.
    keyless: u64,
}

/// What came of the upstream.
#[derive(Debug, Serialize, JsonSchema)]
struct Upstream {
    /// Requests that were passed to it.
    passed: u64,
    /// Those that it did not answer, or with a status from 500 on.
    failed: u64,
}

/// What came in 100 ms.
#[derive(Debug, Serialize, JsonSchema)]
struct Usual {
    requests: f64,
    connections: f64,
}

/// What came after the service had recovered.
#[derive(Debug, Serialize, JsonSchema)]
struct Recovery {
    /// Offset of the run from which on all was well.
    at_ns: u64,
    /// Time from there to the first success, by the client's clock; null if there was none before the next recovery.
    first_success_ns: Option<u64>,
    /// Requests in the first 100 ms; null before these are over.
    requests: Option<u64>,
    /// New connections in the first 100 ms; null before these are over.
    connections: Option<u64>,
}

/// The verdict.
#[derive(Debug, Serialize, JsonSchema)]
struct Judged {
    /// `pass`, `fail`, `inconclusive` or `interrupted`.
    result: &'static str,
    /// Exit code of `lapse replay`: 0, 1, 3 or 130.
    exit_code: u8,
    expectations: Vec<Expectation>,
    /// Why no verdict is supported, whatever was expected.
    doubts: Vec<String>,
}

/// An expectation, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Expectation {
    /// Name of the figure.
    figure: &'static str,
    /// Figure and limit, as typed.
    expected: String,
    /// `held`, `broken` or `undecided`.
    outcome: &'static str,
    /// The value; of an undecided one the reason.
    text: String,
}

/// Writes the ledger.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Ledger::of(report))?;
    out.write_all(b"\n")
}

impl Ledger {
    /// The ledger of `report`.
    pub(crate) fn of(report: &Report) -> Self {
        let account = &report.account;
        Self {
            schema: SCHEMA,
            name: report.name.clone(),
            target: report.target.clone(),
            from_ns: report.part.from.as_nanos(),
            to_ns: report.part.to.as_nanos(),
            speed: report.speed,
            phase: match report.position {
                Position::Waiting => "before",
                Position::At(_) => "playing",
                Position::Over => "after",
            },
            requests: account.requests,
            logical_requests: account.logical.into(),
            retries: account.retries(),
            amplification: account.amplification(),
            succeeded: account.succeeded.into(),
            user_failures: account.failed.into(),
            user_failures_by_upstream: account.failed_by_upstream.into(),
            unfinished: account.unfinished.into(),
            outside: account.outside,
            left_out: account.left_out,
            connections: account.connections,
            upstream: Upstream { passed: account.passed, failed: account.upstream_failed },
            classes: account.classes.iter().map(|(class, count)| (class.to_string(), *count)).collect(),
            usual: account.usual.map(|usual| Usual { requests: usual.requests, connections: usual.connections }),
            recoveries: account.recoveries.iter().map(Recovery::of).collect(),
            unconnectable_ns: nanos(report.unconnectable),
            notes: notes(report),
            verdict: report.verdict.as_ref().map(Judged::of),
        }
    }
}

impl From<account::Both> for Both {
    fn from(both: account::Both) -> Self {
        Self { all: both.sum(), keyed: both.keyed, keyless: both.keyless }
    }
}

impl Recovery {
    fn of(recovery: &account::Recovery) -> Self {
        Self {
            at_ns: recovery.at.as_nanos(),
            first_success_ns: recovery.first_success.map(nanos),
            requests: recovery.requests,
            connections: recovery.connections,
        }
    }
}

impl Judged {
    fn of(verdict: &Verdict) -> Self {
        let expectations = verdict.outcomes.iter().map(|(expectation, outcome)| {
            let (outcome, text) = match outcome {
                Outcome::Held(value) => ("held", value),
                Outcome::Broken(value) => ("broken", value),
                Outcome::Undecided(why) => ("undecided", why),
            };
            let (figure, text) = (expectation.figure().name(), text.clone());
            Expectation { figure, expected: expectation.to_string(), outcome, text }
        });
        Self {
            result: verdict.conclusion.name(),
            exit_code: verdict.conclusion.exit_code(),
            expectations: expectations.collect(),
            doubts: verdict.doubts.clone(),
        }
    }
}

/// The JSON Schema of ledgers.
#[cfg(test)]
pub(super) fn schema() -> String {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Ledger)).unwrap();
    format!("{schema}\n")
}
