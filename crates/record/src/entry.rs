//! What a run consists of, entry by entry: as it happens, and as its journal keeps it.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::batch::Batch;
use crate::event::Event;
use lapse_measure::budget::Budget;
use lapse_measure::lane::{Lane, Policy, Protocol, TargetId};
use lapse_measure::phase::Phase;
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::time::{Anchor, Discipline, Offset};
use lapse_measure::verdict::Rules;

/// A target as the record knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is called.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// The connection policies of its lanes, in order; at least one.
    pub policies: Vec<Policy>,
    /// When its first slot is due.
    pub start: Offset,
}

/// An act of a run's scenario, by its place in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub usize);

/// The part of a run over which a budget is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From the event on.
    Judged,
    /// One act of a scenario.
    Act(ActId),
}

/// What is known of a run before its first probe.
#[derive(Clone, Debug, PartialEq)]
pub struct RunHeader {
    /// The version of lapse.
    pub version: String,
    /// What the run is called.
    pub name: String,
    /// Where offsets lie on the wall clock.
    pub anchor: Anchor,
    /// How far the wall clock may have been off then; `None` where the kernel does not say.
    pub discipline: Option<Discipline>,
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    pub monotonic_ns: u64,
    /// Slots a second of each target.
    pub rate: Rate,
    /// Control probes a second.
    pub control_rate: Rate,
    /// The targets; at least one.
    pub targets: Vec<Target>,
    /// How long a probe may take.
    pub timeout: Duration,
    /// From how long after its due time on an answer is slow.
    pub slow: Duration,
    /// The wrapped command's words, if there is one.
    pub command: Option<Vec<String>>,
    /// What the run may cost.
    pub budgets: Vec<(Budget, Window)>,
    /// What its verdict goes by besides.
    pub rules: Rules,
    /// Failures no further apart than this are one disruption.
    pub gate: Duration,
}

impl RunHeader {
    /// All lanes: those of the first target, those of the second, and so on.
    pub fn lanes(&self) -> Vec<Lane> {
        let of_target = |(place, target): (usize, &Target)| {
            let count = NonZeroU64::new(target.policies.len() as u64).unwrap_or(NonZeroU64::MIN);
            let schedules = Schedule::interleaved(self.rate, count, target.start);
            let lane = |(policy, schedule): (&Policy, Schedule)| Lane {
                target: TargetId(place),
                policy: *policy,
                protocol: target.protocol,
                schedule,
            };
            target.policies.iter().zip(schedules).map(lane).collect::<Vec<_>>()
        };
        self.targets.iter().enumerate().flat_map(of_target).collect()
    }

    /// When control probes are due.
    pub fn control(&self) -> Schedule {
        Schedule::alone(self.control_rate, Offset::ZERO)
    }

    /// The targets' names.
    pub fn names(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name.clone()).collect()
    }
}

/// What a scenario's world did to those who asked it, by its own ledger; lines of the same kind are summed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedFault {
    /// The pod or the hop that did it.
    pub by: String,
    /// What it did: `cut`, `shut`, `swallowed`, `stale`, `held`, or `status 503`.
    pub what: String,
    /// Why, for people.
    pub cause: String,
    /// How often.
    pub times: u64,
    /// From the first instant of the first,
    pub from: Offset,
    /// to the last instant of the last.
    pub to: Offset,
    /// How long they lasted together.
    pub lasted: Duration,
}

/// How the wrapped command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When we saw it. Its last lines may have been seen a moment later.
    pub at: Offset,
    /// Its exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// Slots due from here on were not sent.
    pub at: Offset,
    /// The wall clock, read again.
    pub anchor: Anchor,
    /// The share of the run in which something on this machine waited for a processor; `None` if the kernel does not say.
    pub pressure: Option<f64>,
}

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A phase begins.
    Phase(Phase, Offset),
    /// An act of a scenario begins.
    Act(String, Offset),
    /// Slots resolved.
    Batch(Batch),
    /// Something happened beside the probes.
    Event(Event),
    /// The wrapped command was started.
    Started(Offset),
    /// The wrapped command ended.
    Exit(Exit),
    /// What a scenario's world did.
    InjectedFault(InjectedFault),
    /// A reason to doubt whatever the probes say, for people.
    Doubt(String),
    /// Somebody asked for the end.
    Interrupted(Offset),
    /// The run ended.
    End(End),
}
