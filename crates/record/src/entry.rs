//! The header and the entries of a run: a live run produces them in order, and its journal keeps them.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::batch::Batch;
use crate::event::Event;
use crate::held::HeldPlan;
use lapse_measure::budget::Budget;
use lapse_measure::held::Stream;
use lapse_measure::lane::{Lane, Policy, Protocol, TargetId};
use lapse_measure::phase::Phase;
use lapse_measure::probe_id::IdSeed;
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::time::{Anchor, Discipline, MonotonicTime, Offset};
use lapse_measure::verdict::Rules;

/// A target of the run: a URL and the lanes that probe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The target's name in reports.
    pub name: String,
    /// The URL that is probed.
    pub url: String,
    /// The version of HTTP on all lanes of the target.
    pub protocol: Protocol,
    /// The connection policies of the target's lanes, in order; at least one.
    pub policies: Vec<Policy>,
    /// When the target's first slot is due.
    pub start: Offset,
    /// The ids that the target's requests carry.
    pub ids: CarriedIds,
}

/// Whether and how the requests of a target carry the id of their probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedIds {
    /// As a UUID, in the place of `{uuid}`.
    pub uuid: bool,
    /// As the trace id of the header `traceparent`.
    pub traceparent: bool,
}

/// The index of an act in the run's scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub usize);

/// The part of a run over which a budget is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From the start of the event to the end of the run.
    Judged,
    /// One act of a scenario.
    Act(ActId),
}

/// How the kernel schedules the hammer's threads beside other threads, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// As lapse was started: nothing more was asked for, or granted.
    None,
    /// A short time slice (EEVDF, Linux 6.12 and later), so that they run sooner once they wake up.
    Slice(Duration),
    /// A negative nice value, and a short time slice where the kernel has that.
    Nice(i8),
    /// `SCHED_FIFO` with priority 1: before all normal threads.
    Fifo,
}

/// The settings of a run, fixed before its first probe: targets, rates, limits and budgets.
#[derive(Clone, Debug, PartialEq)]
pub struct RunHeader {
    /// The version of lapse that made the run.
    pub version: String,
    /// The name of the run in reports.
    pub name: String,
    /// The wall clock at the start of the run, from which dates are computed.
    pub anchor: Anchor,
    /// How far the wall clock may have been off at the start; `None` if the kernel does not report it.
    pub discipline: Option<Discipline>,
    /// The reading of `CLOCK_MONOTONIC` at offset zero.
    pub began: MonotonicTime,
    /// Slots per second of each target, summed over its lanes.
    pub rate: Rate,
    /// Control probes per second.
    pub control_rate: Rate,
    /// The targets, at least one; a [`TargetId`] is an index into them.
    pub targets: Vec<Target>,
    /// How long a probe may take before the prober gives it up.
    pub timeout: Duration,
    /// A complete response later than this after its due time is slow.
    pub slow: Duration,
    /// The words of the wrapped command; `None` if the run wraps none.
    pub command: Option<Vec<String>>,
    /// The budgets, each with the part of the run over which it is checked.
    pub budgets: Vec<(Budget, Window)>,
    /// The rules of the verdict beside the budgets.
    pub rules: Rules,
    /// The precedence that the kernel gave to the hammer's threads; `None` in a journal of a version that had none.
    pub precedence: Option<Precedence>,
    /// Failures no further apart than this are one disruption.
    pub gate: Duration,
    /// The response header that names the version of the service; `None` if versions are not told apart.
    pub version_header: Option<String>,
    /// The seed of the ids of probes; `None` if no request carries one.
    pub id_seed: Option<IdSeed>,
    /// The streams that are held beside the probes; `None` if none are.
    pub held: Option<HeldPlan>,
}

impl RunHeader {
    /// All lanes, as [`LaneId`](lapse_measure::lane::LaneId) counts them: those of the first target, then those of the
    /// second, and so on.
    pub fn lanes(&self) -> Vec<Lane> {
        let lanes_of = |(index, target): (usize, &Target)| {
            let count = NonZeroU64::new(target.policies.len() as u64).unwrap_or(NonZeroU64::MIN);
            let schedules = Schedule::interleaved(self.rate, count, target.start);
            let lane = |(policy, schedule): (&Policy, Schedule)| Lane {
                target: TargetId(index),
                policy: *policy,
                protocol: target.protocol,
                schedule,
            };
            target.policies.iter().zip(schedules).map(lane).collect::<Vec<_>>()
        };
        self.targets.iter().enumerate().flat_map(lanes_of).collect()
    }

    /// The schedule of the control lane.
    pub fn control(&self) -> Schedule {
        Schedule::alone(self.control_rate, Offset::ZERO)
    }

    /// The names of the targets, in order.
    pub fn names(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name.clone()).collect()
    }
}

/// Faults that a scenario's world injected, from its ledger. Faults of one origin, kind and cause are summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedFault {
    /// The pod or the hop that injected the fault.
    pub by: String,
    /// The kind of fault: `cut`, `shut`, `swallowed`, `stale`, `held`, or a status such as `status 503`.
    pub what: String,
    /// The reason, as text for reports.
    pub cause: String,
    /// How many times the fault was injected.
    pub times: u64,
    /// When the first of these faults began.
    pub from: Offset,
    /// When the last of these faults ended.
    pub to: Offset,
    /// The sum of their durations.
    pub lasted: Duration,
}

/// How the wrapped command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When lapse saw the exit. The last lines of output may have been read a moment later.
    pub at: Offset,
    /// The exit code; `None` if a signal ended the command.
    pub code: Option<i32>,
    /// The signal that ended the command; `None` if it exited by itself.
    pub signal: Option<i32>,
}

/// The orderly end of a run; a run that was killed has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// The end of the run: no slot due from here on was sent.
    pub at: Offset,
    /// A second reading of the wall clock, to find out whether it was stepped.
    pub anchor: Anchor,
    /// The share of the run, 0 to 1, in which tasks on this machine waited for a processor; `None` if the kernel does
    /// not report it.
    pub pressure: Option<f64>,
    /// When the first of the hammer's threads gave its precedence up because it used too much of a core; `None` if none
    /// did.
    pub precedence_until: Option<Offset>,
}

/// One entry of a run, in the order in which the session saw them.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A phase begins at this offset.
    Phase(Phase, Offset),
    /// An act of a scenario begins: its name and its start.
    Act(String, Offset),
    /// Results of slots, several at a time.
    Batch(Batch),
    /// An event of the command, the cluster, the lab or the prober.
    Event(Event),
    /// The wrapped command was started at this offset.
    Started(Offset),
    /// The wrapped command ended, by itself or by a signal.
    Exit(Exit),
    /// Faults that a scenario's world injected.
    InjectedFault(InjectedFault),
    /// A held stream of a target that was dropped, or that the run's end cut off.
    Stream(TargetId, Stream),
    /// A reason for an inconclusive verdict, as text for reports.
    Doubt(String),
    /// A signal asked for the end of the run at this offset.
    Interrupted(Offset),
    /// The run ended in order; the last entry.
    End(End),
}
