//! The run as a whole, and its verdict.

use schemars::JsonSchema;
use serde::Serialize;

use crate::measure::verdict;
use crate::report::date;
use crate::run::record::{CommandRun, Record};

/// The run as a whole.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Run {
    name: String,
    /// The date of offset zero, RFC 3339 in UTC with milliseconds.
    started_at: String,
    anchor: Anchor,
    /// The run's length: slots due later than this were not sent.
    length_ns: u64,
    /// Slots a second of each target, over its lanes.
    rate: u64,
    /// How long a probe could take.
    timeout_ns: u64,
    /// From how long after its due time on an answer was slow.
    slow_ns: u64,
    /// Somebody asked for the end.
    interrupted: bool,
    /// The record has no end: the run was killed, or still goes on.
    cut: bool,
    phases: Vec<Phase>,
    /// The acts of a scenario; empty for any other run.
    acts: Vec<Act>,
    command: Option<Command>,
}

/// Where offsets lie on the machine's clocks.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each key")]
struct Anchor {
    /// The wall clock, in nanoseconds since the Unix epoch,
    unix_ns: u64,
    /// at this offset.
    offset_ns: u64,
    /// `CLOCK_MONOTONIC` at offset zero.
    monotonic_ns: u64,
}

/// A phase of the run.
#[derive(Debug, Serialize, JsonSchema)]
struct Phase {
    /// `baseline`, `event` or `settle`.
    name: String,
    from_ns: u64,
    to_ns: u64,
}

/// An act of a scenario.
#[derive(Debug, Serialize, JsonSchema)]
struct Act {
    name: String,
    from_ns: u64,
    to_ns: u64,
}

/// The wrapped command.
#[derive(Debug, Serialize, JsonSchema)]
struct Command {
    argv: Vec<String>,
    /// Null if the run ended before.
    started_ns: Option<u64>,
    /// Null if it could not start, or if the run ended before it did.
    ended_ns: Option<u64>,
    /// Null if it did not exit by itself.
    exit_code: Option<i32>,
    /// The signal that ended it.
    signal: Option<i32>,
}

/// What it all comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Verdict {
    /// `pass`, `fail`, `inconclusive`, `command-failed` or `interrupted`.
    result: String,
    exit_code: u8,
    /// Every budget that was exceeded.
    breaches: Vec<Breach>,
    /// Every reason why the measurement cannot support a verdict.
    doubts: Vec<String>,
}

/// A budget that was exceeded.
#[derive(Debug, Serialize, JsonSchema)]
struct Breach {
    /// What the user calls the budget.
    budget: String,
    /// The target or the lane.
    of: String,
    /// What was measured, with bounds.
    figure: String,
    /// What was allowed.
    limit: String,
    /// All of it in a sentence.
    text: String,
}

impl Run {
    pub(super) fn of(record: &Record) -> Self {
        let about = &record.about;
        let span = |span: crate::measure::span::Span| (span.from.as_nanos(), span.to.as_nanos());
        let phases = record.seen.phases.spans(record.seen.end).map(|(phase, stretch)| {
            let (from_ns, to_ns) = span(stretch);
            Phase { name: phase.to_string(), from_ns, to_ns }
        });
        let acts = record.acts.iter().map(|act| {
            let (from_ns, to_ns) = span(act.span);
            Act { name: act.name.clone(), from_ns, to_ns }
        });
        Self {
            name: about.name.clone(),
            started_at: date::rfc3339(about.anchor, crate::measure::time::Offset::ZERO),
            anchor: Anchor {
                unix_ns: about.anchor.unix_ns,
                offset_ns: about.anchor.offset.as_nanos(),
                monotonic_ns: about.monotonic_ns,
            },
            length_ns: record.seen.end.as_nanos(),
            rate: about.rate.get(),
            timeout_ns: super::value::ns(about.timeout),
            slow_ns: super::value::ns(about.slow),
            interrupted: record.interrupted,
            cut: record.cut,
            phases: phases.collect(),
            acts: acts.collect(),
            command: record.command.as_ref().map(Command::of),
        }
    }
}

impl Command {
    fn of(command: &CommandRun) -> Self {
        Self {
            argv: command.argv.clone(),
            started_ns: command.started.map(crate::measure::time::Offset::as_nanos),
            ended_ns: command.exit.map(|exit| exit.at.as_nanos()),
            exit_code: command.exit.and_then(|exit| exit.code),
            signal: command.exit.and_then(|exit| exit.signal),
        }
    }
}

impl Verdict {
    pub(super) fn of(verdict: &verdict::Verdict) -> Self {
        let breach = |breach: &verdict::Breach| Breach {
            budget: breach.budget.clone(),
            of: breach.of.clone(),
            figure: breach.figure.clone(),
            limit: breach.limit.clone(),
            text: breach.to_string(),
        };
        Self {
            result: verdict.conclusion.to_string(),
            exit_code: verdict.conclusion.exit_code(),
            breaches: verdict.breaches.iter().map(breach).collect(),
            doubts: verdict.doubts.clone(),
        }
    }
}
