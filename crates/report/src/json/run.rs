//! What was run and when, on what machine, and what happened beside the probes.

use schemars::JsonSchema;
use serde::Serialize;

use super::target::Totals;
use crate::date;
use lapse_measure::phase;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_record::entry;
use lapse_record::event;
use lapse_record::record::{CommandRun, Record};
use lapse_record::summary::ActSummary;

/// What was run, and when.
#[derive(Serialize, JsonSchema)]
pub(super) struct Run<'a> {
    name: &'a str,
    /// RFC 3339, in UTC, to the millisecond.
    started_at: String,
    anchor: Anchor,
    length_ns: u64,
    /// Somebody asked for the end.
    interrupted: bool,
    /// The record ends without an end: the run was killed, or still goes on.
    cut: bool,
    /// Slots a second of each target, over its lanes.
    rate: u64,
    /// How long a probe may take.
    timeout_ns: u64,
    /// From how long after its due time on an answer is slow.
    slow_ns: u64,
    phases: Vec<Phase>,
    /// The acts of the scenario; empty if it was none.
    acts: Vec<Act<'a>>,
    /// The wrapped command; null if there was none.
    command: Option<Command<'a>>,
}

impl<'a> Run<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let (about, end) = (&record.about, record.seen.end);
        let phase = |(phase, span): (phase::Phase, Span)| Phase {
            name: phase.to_string(),
            from_ns: span.from.as_nanos(),
            to_ns: span.to.as_nanos(),
        };
        Self {
            name: &about.name,
            started_at: date::rfc3339(about.anchor, Offset::ZERO),
            anchor: Anchor {
                unix_ns: about.anchor.unix_ns,
                offset_ns: about.anchor.offset.as_nanos(),
                monotonic_ns: about.monotonic_ns,
            },
            length_ns: end.as_nanos(),
            interrupted: record.interrupted,
            cut: record.cut,
            rate: about.rate.get(),
            timeout_ns: nanos(about.timeout),
            slow_ns: nanos(about.slow),
            phases: record.seen.phases.spans(end).map(phase).collect(),
            acts: record.summary.acts.iter().map(|act| Act::of(record, act)).collect(),
            command: record.command.as_ref().map(Command::of),
        }
    }
}

/// Where offsets lie on the wall clock.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
struct Anchor {
    /// Nanoseconds since the Unix epoch at `offset_ns`.
    unix_ns: u64,
    offset_ns: u64,
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    monotonic_ns: u64,
}

/// A stretch of the run.
#[derive(Serialize, JsonSchema)]
struct Phase {
    /// `baseline`, `event` or `settle`.
    name: String,
    from_ns: u64,
    to_ns: u64,
}

/// An act of a scenario.
#[derive(Serialize, JsonSchema)]
struct Act<'a> {
    name: &'a str,
    from_ns: u64,
    to_ns: u64,
    targets: Vec<TargetInAct<'a>>,
}

/// What a target lost in an act.
#[derive(Serialize, JsonSchema)]
struct TargetInAct<'a> {
    name: &'a str,
    totals: Totals,
}

impl<'a> Act<'a> {
    fn of(record: &'a Record, act: &'a ActSummary) -> Self {
        let targets = record.summary.targets.iter().zip(&act.totals);
        Self {
            name: &act.name,
            from_ns: act.span.from.as_nanos(),
            to_ns: act.span.to.as_nanos(),
            targets: targets
                .map(|(target, totals)| TargetInAct { name: &target.name, totals: Totals::of(totals) })
                .collect(),
        }
    }
}

/// The wrapped command.
#[derive(Serialize, JsonSchema)]
struct Command<'a> {
    argv: &'a [String],
    /// Null if the run ended before.
    started_ns: Option<u64>,
    /// Null if it outlived the run.
    ended_ns: Option<u64>,
    /// Null if a signal ended it, if it could not start, or if it outlived the run.
    exit_code: Option<i32>,
    /// The signal that ended it.
    signal: Option<i32>,
}

impl<'a> Command<'a> {
    fn of(command: &'a CommandRun) -> Self {
        let exit = command.exit.as_ref();
        Self {
            argv: &command.argv,
            started_ns: command.started.map(Offset::as_nanos),
            ended_ns: exit.map(|exit| exit.at.as_nanos()),
            exit_code: exit.and_then(|exit| exit.code),
            signal: exit.and_then(|exit| exit.signal),
        }
    }
}

/// Something that happened beside the probes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Event<'a> {
    /// When the prober saw it.
    at_ns: u64,
    /// `command`, `kubernetes`, `lab` or `prober`.
    source: &'static str,
    /// What sort of thing, in the words of its source.
    kind: &'a str,
    text: &'a str,
    /// Whom it happened to, as `kind/name`; null where that has no name of its own.
    object: Option<String>,
    /// When its source says that it happened, since the Unix epoch, by a clock that is not the prober's; null where it does not say.
    told_unix_ns: Option<u64>,
}

impl<'a> Event<'a> {
    pub(super) fn of(event: &'a event::Event) -> Self {
        Self {
            at_ns: event.at.as_nanos(),
            source: event.source.name(),
            kind: event.kind.name(),
            text: &event.text,
            object: event.object.as_ref().map(ToString::to_string),
            told_unix_ns: event.told_unix_ns,
        }
    }
}

/// What a scenario's world did; the same by the same for the same cause is one line.
#[derive(Serialize, JsonSchema)]
pub(super) struct InjectedFault<'a> {
    /// The pod or the hop that did it.
    by: &'a str,
    /// `cut`, `shut`, `swallowed`, `stale`, `held`, or `status 503`.
    what: &'a str,
    cause: &'a str,
    times: u64,
    /// From the first instant of the first,
    from_ns: u64,
    /// to the last instant of the last.
    to_ns: u64,
    /// How long they lasted together.
    lasted_ns: u64,
}

impl<'a> InjectedFault<'a> {
    pub(super) fn of(inflicted: &'a entry::InjectedFault) -> Self {
        Self {
            by: &inflicted.by,
            what: &inflicted.what,
            cause: &inflicted.cause,
            times: inflicted.times,
            from_ns: inflicted.from.as_nanos(),
            to_ns: inflicted.to.as_nanos(),
            lasted_ns: nanos(inflicted.lasted),
        }
    }
}

/// The lane on which the prober watches itself.
#[derive(Serialize, JsonSchema)]
pub(super) struct Control {
    probes: u64,
    /// For how long the prober could not even reach itself.
    held_up_ns: u64,
}

impl Control {
    pub(super) fn of(record: &Record) -> Self {
        Self { probes: record.seen.controls, held_up_ns: nanos(record.seen.held_up.length()) }
    }
}

/// The machine that the prober ran on.
#[derive(Serialize, JsonSchema)]
pub(super) struct Machine {
    /// The share of the run in which something waited for a processor; null if the kernel does not say.
    pressure: Option<f64>,
}

impl Machine {
    pub(super) fn of(record: &Record) -> Self {
        Self { pressure: record.end.and_then(|end| end.pressure).filter(|pressure| pressure.is_finite()) }
    }
}

/// The machine's wall clock.
#[derive(Serialize, JsonSchema)]
pub(super) struct Clock {
    /// How far the wall clock ran ahead of the monotonic one from the first anchor to the last; null if
    /// the run did not come to its end.
    drift_ns: Option<i64>,
    /// Whether something (NTP, PTP) kept it in step when the run began; null if the kernel does not say, and so the next two.
    synchronised: Option<bool>,
    /// By how much it was then probably off true time,
    estimated_error_ns: Option<u64>,
    /// and by how much at the most; both by the kernel's account.
    maximum_error_ns: Option<u64>,
}

impl Clock {
    pub(super) fn of(record: &Record) -> Self {
        let drift = |end: entry::End| {
            let expected = record.about.anchor.unix_ns_at(end.anchor.offset);
            let drift = i128::from(end.anchor.unix_ns) - i128::from(expected);
            i64::try_from(drift).unwrap_or(if drift < 0 { i64::MIN } else { i64::MAX })
        };
        let told = record.about.discipline;
        Self {
            drift_ns: record.end.map(drift),
            synchronised: told.map(|told| told.synchronised),
            estimated_error_ns: told.map(|told| nanos(told.estimated_error)),
            maximum_error_ns: told.map(|told| nanos(told.maximum_error)),
        }
    }
}
