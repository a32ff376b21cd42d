//! The run: settings, phases, acts, command, events, injected faults, and the state of the prober's machine and clock.

use schemars::JsonSchema;
use serde::Serialize;

use super::target::Totals;
use crate::date;
use lapse_measure::phase;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, UnixTime, nanos};
use lapse_record::entry::{self, Precedence};
use lapse_record::event;
use lapse_record::record::{CommandRun, Record};
use lapse_record::summary::ActSummary;

/// Name, start, settings, phases and command of the run.
#[derive(Serialize, JsonSchema)]
pub(super) struct Run<'a> {
    /// Name of the run.
    name: &'a str,
    /// Date of offset zero in RFC 3339, in UTC, to the millisecond.
    started_at: String,
    anchor: Anchor,
    /// Duration of the run.
    length_ns: u64,
    /// True if a signal ended the run early.
    interrupted: bool,
    /// True if the journal has no end: the run was killed, or is still running.
    cut: bool,
    /// Slots per second of each target, over all its lanes.
    rate: u64,
    /// Timeout of a probe.
    timeout_ns: u64,
    /// Threshold of the class `slow`, counted from when the probe was due.
    slow_ns: u64,
    /// Phases of the run, in order.
    phases: Vec<Phase>,
    /// Acts of the scenario, in order; empty if the run was no scenario.
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
                unix_ns: about.anchor.date.as_nanos(),
                offset_ns: about.anchor.offset.as_nanos(),
                monotonic_ns: about.began.as_nanos(),
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

/// A reading of the wall clock with its offset, to convert offsets into dates.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
struct Anchor {
    /// Nanoseconds since the Unix epoch at `offset_ns`.
    unix_ns: u64,
    /// Offset at which the wall clock was read.
    offset_ns: u64,
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    monotonic_ns: u64,
}

/// A phase of the run, from its first instant to the first instant after it.
#[derive(Serialize, JsonSchema)]
struct Phase {
    /// Name of the phase: `baseline`, `event` or `settle`.
    name: String,
    from_ns: u64,
    to_ns: u64,
}

/// An act of a scenario, from its first instant to the first instant after it.
#[derive(Serialize, JsonSchema)]
struct Act<'a> {
    name: &'a str,
    from_ns: u64,
    to_ns: u64,
    /// Totals of the act by target.
    targets: Vec<TargetInAct<'a>>,
}

/// Totals of a target in one act.
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

/// The wrapped command and its exit.
#[derive(Serialize, JsonSchema)]
struct Command<'a> {
    /// The program and its arguments.
    argv: &'a [String],
    /// When the command started; null if the run ended before that.
    started_ns: Option<u64>,
    /// When the command ended; null if it outlived the run.
    ended_ns: Option<u64>,
    /// Exit code; null if a signal ended the command, if it could not start, or if it outlived the run.
    exit_code: Option<i32>,
    /// Number of the signal that ended the command; null if none did.
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

/// An event other than a probe.
#[derive(Serialize, JsonSchema)]
pub(super) struct Event<'a> {
    /// When the prober learned of the event.
    at_ns: u64,
    /// Source of the event: `command`, `kubernetes`, `lab`, `prober` or `caller`.
    source: &'static str,
    /// Kind of the event, such as `pod-ready`.
    kind: &'a str,
    /// Description of the event, or the line that the command printed.
    text: &'a str,
    /// Object of the event as `kind/name`, such as `pod/shop-7d4`; null if it concerns no named object.
    object: Option<String>,
    /// Time of the event by its source's own clock, since the Unix epoch; null if the source reports none.
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
            told_unix_ns: event.source_time.map(UnixTime::as_nanos),
        }
    }
}

/// A fault that a scenario's world injected. Faults of the same kind with the same origin and cause are merged into
/// one.
#[derive(Serialize, JsonSchema)]
pub(super) struct InjectedFault<'a> {
    /// Pod or hop that injected the fault.
    by: &'a str,
    /// Kind of the fault: `cut`, `shut`, `swallowed`, `stale`, `held`, or `status 503`.
    what: &'a str,
    /// Cause of the fault in the scenario.
    cause: &'a str,
    /// Number of faults merged into this one.
    times: u64,
    /// When the first of them began.
    from_ns: u64,
    /// When the last of them ended.
    to_ns: u64,
    /// Sum of their durations.
    lasted_ns: u64,
}

impl<'a> InjectedFault<'a> {
    pub(super) fn of(fault: &'a entry::InjectedFault) -> Self {
        Self {
            by: &fault.by,
            what: &fault.what,
            cause: &fault.cause,
            times: fault.times,
            from_ns: fault.from.as_nanos(),
            to_ns: fault.to.as_nanos(),
            lasted_ns: nanos(fault.lasted),
        }
    }
}

/// The control lane, on which the prober probes a responder of its own.
#[derive(Serialize, JsonSchema)]
pub(super) struct Control {
    /// Number of probes on the control lane.
    probes: u64,
    /// Time in which the control lane failed or stalled, which counts as blind.
    held_up_ns: u64,
}

impl Control {
    pub(super) fn of(record: &Record) -> Self {
        Self { probes: record.seen.controls, held_up_ns: nanos(record.seen.held_up.length()) }
    }
}

/// The machine on which the prober ran.
#[derive(Serialize, JsonSchema)]
pub(super) struct Machine {
    /// Share of the run in which some task waited for a CPU (pressure stall information); null if the kernel does not
    /// report it.
    pressure: Option<f64>,
    /// How the kernel scheduled the threads that send probes; null if the journal does not say.
    precedence: Option<PrecedenceJson>,
}

/// How the kernel scheduled the threads that send probes.
#[derive(Serialize, JsonSchema)]
struct PrecedenceJson {
    class: PrecedenceClass,
    /// The nice value; null in the other classes.
    nice: Option<i8>,
    /// The length of the time slice; null in the other classes.
    slice_ns: Option<u64>,
    /// When the first thread returned to normal scheduling, because it used more than 80 % of a core; null if none did.
    until_ns: Option<u64>,
}

/// Scheduling that the kernel granted: `none` (normal), `slice` (a short time slice), `nice` (a negative nice value),
/// `fifo` (`SCHED_FIFO`, priority 1).
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum PrecedenceClass {
    None,
    Slice,
    Nice,
    Fifo,
}

impl Machine {
    pub(super) fn of(record: &Record) -> Self {
        let until = record.end.and_then(|end| end.precedence_until);
        Self {
            pressure: record.end.and_then(|end| end.pressure).filter(|pressure| pressure.is_finite()),
            precedence: record.about.precedence.map(|precedence| PrecedenceJson::of(precedence, until)),
        }
    }
}

impl PrecedenceJson {
    fn of(precedence: Precedence, until: Option<Offset>) -> Self {
        let (class, nice, slice) = match precedence {
            Precedence::None => (PrecedenceClass::None, None, None),
            Precedence::Slice(slice) => (PrecedenceClass::Slice, None, Some(slice)),
            Precedence::Nice(nice) => (PrecedenceClass::Nice, Some(nice), None),
            Precedence::Fifo => (PrecedenceClass::Fifo, None, None),
        };
        Self { class, nice, slice_ns: slice.map(nanos), until_ns: until.map(Offset::as_nanos) }
    }
}

/// The machine's wall clock, and how well it was synchronised.
#[derive(Serialize, JsonSchema)]
pub(super) struct Clock {
    /// Lead of the wall clock over the monotonic clock from the first anchor to the last, negative if it fell behind;
    /// null if the record has no end.
    drift_ns: Option<i64>,
    /// True if NTP or PTP synchronised the wall clock at the beginning of the run; null if the kernel does not report
    /// it.
    synchronised: Option<bool>,
    /// Estimated error of the wall clock at that time, by the kernel (adjtimex); null if it does not report one.
    estimated_error_ns: Option<u64>,
    /// Maximum error of the wall clock at that time, by the kernel (adjtimex); null if it does not report one.
    maximum_error_ns: Option<u64>,
}

impl Clock {
    pub(super) fn of(record: &Record) -> Self {
        let drift = |end: entry::End| {
            let expected = record.about.anchor.date_at(end.anchor.offset);
            let drift = i128::from(end.anchor.date.as_nanos()) - i128::from(expected.as_nanos());
            i64::try_from(drift).unwrap_or(if drift < 0 { i64::MIN } else { i64::MAX })
        };
        let discipline = record.about.discipline;
        Self {
            drift_ns: record.end.map(drift),
            synchronised: discipline.map(|clock| clock.synchronised),
            estimated_error_ns: discipline.map(|clock| nanos(clock.estimated_error)),
            maximum_error_ns: discipline.map(|clock| nanos(clock.maximum_error)),
        }
    }
}
