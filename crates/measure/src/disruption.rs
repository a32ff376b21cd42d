//! Disruptions: failures that lie too close to each other to be told apart, whatever share of the probes was lost.
//!
//! A strict outage ends at the first success; where a share of the requests is lost at random that is no end of
//! anything. A disruption ends only when a lane has been without a failure for the gate time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Class, Health};
use super::binomial::{Share, TAIL};
use super::outage::Outage;
use super::schedule::Schedule;
use super::span::Span;
use super::time::{Bounded, Offset};
use super::timeline::{Cell, Run, Timeline};

/// The gate time where none is given.
pub const GATE: Duration = Duration::from_millis(300);

/// Periods of a lane that its gate time is never below: at fewer, failures in a row at a low rate would be apart.
const LEAST_PERIODS: u64 = 3;

/// How sure the bounds of a figure are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Hard bounds from what was sent and answered: the true figure cannot lie outside.
    Certain,
    /// Bounds from a sample: the true figure lies between them in 95 of 100 cases.
    Confidence95,
}

impl Certainty {
    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Confidence95 => "95 %",
        }
    }
}

/// Failures of one lane, none further from the next than the gate time.
#[derive(Clone, Debug, PartialEq)]
pub struct Disruption {
    /// When its first failed slot was due.
    pub from: Offset,
    /// When its last failed slot was due.
    pub to: Offset,
    /// The interval in which the disruption began, open where no bound is known.
    pub began: (Option<Offset>, Offset),
    /// The interval in which the disruption ended, open where no bound is known.
    pub ended: (Offset, Option<Offset>),
    /// The span of the slots that the disruption may have cost, as far as the run was watched.
    pub reach: Span,
    /// Probes that failed in it.
    pub failed: u64,
    /// Failed probes that were sent late, while the prober itself was held up.
    pub failed_late: u64,
    /// Probes that came to an answer from its first failure to its last.
    pub resolved: u64,
    /// The share of the probes that failed, from 0 to 1.
    pub lost: Share,
    /// How sure its bounds are.
    pub certainty: Certainty,
    /// The slots from its first failure to its last times the period.
    pub estimate: Duration,
}

impl Disruption {
    /// The outcomes of a lane's probes between the first failure of this disruption and its last; the lane may be
    /// another one.
    pub fn cell_of(&self, timeline: &Timeline) -> Cell {
        cell(timeline, self.from, self.to)
    }

    /// The failed probes of a lane between the first failure of this disruption and its last, by class.
    pub fn classes_of(&self, timeline: &Timeline) -> BTreeMap<Class, u64> {
        let classes = self.cell_of(timeline).classes.into_iter();
        classes.filter(|(class, _)| class.health() == Health::Failed).collect()
    }

    /// The outages of the lane, of a list in the order of time, that began in this disruption.
    pub fn outages_of<'a>(&self, outages: &'a [Outage]) -> &'a [Outage] {
        let [first, end] = [
            outages.partition_point(|outage| outage.from < self.from),
            outages.partition_point(|outage| outage.from <= self.to),
        ];
        &outages[first..end.max(first)]
    }

    /// How long it lasted.
    pub fn length(&self) -> Bounded {
        let at_most = self.began.0.zip(self.ended.1).map(|(from, to)| to.since(from));
        Bounded::new(self.estimate, self.ended.0.since(self.began.1), at_most)
    }
}

/// The gate time of a lane: `gate`, or what the lane's rate can resolve, if that is longer.
pub fn gate_of(gate: Duration, schedule: &Schedule) -> Duration {
    gate.max(schedule.time_of(LEAST_PERIODS))
}

/// The disruptions of a lane that has these outages, in the order of time.
pub fn find(timeline: &Timeline, outages: &[Outage], gate: Duration) -> Vec<Disruption> {
    let gate = gate_of(gate, timeline.schedule());
    let joined = |last: &Outage, next: &Outage| next.from.since(last.to) <= gate;
    outages.chunk_by(joined).filter_map(|outages| describe(timeline, outages, gate)).collect()
}

fn describe(timeline: &Timeline, outages: &[Outage], gate: Duration) -> Option<Disruption> {
    let (first, last) = (outages.first()?, outages.last()?);
    let failed = outages.iter().map(|outage| outage.failed).sum();
    let failed_late = outages.iter().map(|outage| outage.failed_late).sum();
    let resolved = cell(timeline, first.from, last.to).resolved();
    let share = share_lost(failed, resolved);
    let mut began = (first.began.0, outages.iter().map(|one| one.began.1).min()?);
    let mut ended = (outages.iter().map(|one| one.ended.0).max()?, last.ended.1);
    let mut reach = (first.from, last.to);
    let certainty = if failed == resolved { Certainty::Certain } else { Certainty::Confidence95 };
    if certainty == Certainty::Confidence95 {
        let edge = Edge { timeline, unseen: unseen(failed, resolved), gate };
        if !solid(first, share) {
            let (far, seen) = edge.before(first);
            reach.0 = far;
            began.0 = began.0.filter(|_| seen).map(|hard| far.min(hard));
        }
        if !solid(last, share) {
            let (far, seen) = edge.after(last);
            reach.1 = far;
            ended.1 = ended.1.filter(|_| seen).map(|hard| (far + edge.late(last, hard)).max(hard));
        }
    }
    let reach = Span::new(reach.0, reach.1 + Duration::from_nanos(1));
    let schedule = timeline.schedule();
    let slots = schedule.slots_before(last.to) - schedule.slots_before(first.from) + 1;
    let (from, to, estimate) = (first.from, last.to, schedule.time_of(slots));
    Some(Disruption { from, to, began, ended, reach, failed, failed_late, resolved, lost: share, certainty, estimate })
}

/// The outcomes of the probes due from `from` to `to`, both included.
fn cell(timeline: &Timeline, from: Offset, to: Offset) -> Cell {
    Cell::of([timeline], from, to + Duration::from_nanos(1))
}

/// The share lost: the first failure says where counting began, so the interval is that of what came after it.
pub(super) fn share_lost(failed: u64, resolved: u64) -> Share {
    let estimate = Share::of(failed, resolved).estimate;
    let Share { low, high, .. } = Share::of(failed.saturating_sub(1), resolved.saturating_sub(1));
    Share { estimate, low, high: if failed == resolved { 1.0 } else { high } }
}

/// Whether the failures in a row at this edge of a disruption are too many for a loss of its share to explain.
#[expect(clippy::cast_precision_loss, reason = "a count of probes needs no more than 52 bits")]
fn solid(edge: &Outage, lost: Share) -> bool {
    edge.failed as f64 * lost.high.ln() < TAIL.ln()
}

/// How many successes in a row exclude that a disruption of this share went on.
#[expect(clippy::cast_precision_loss, reason = "a count of probes needs no more than 52 bits")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 4 times the probes of a run")]
fn unseen(failed: u64, resolved: u64) -> u64 {
    let share = failed.saturating_sub(1) as f64 / resolved.saturating_sub(1).max(1) as f64;
    (TAIL.ln() / (-share).ln_1p()).ceil().max(1.0) as u64
}

/// How far beyond its first or last failure a disruption may have gone on unseen: until `unseen` probes in a row
/// succeeded, but no further than the gate time.
#[derive(Clone, Copy)]
struct Edge<'a> {
    timeline: &'a Timeline,
    unseen: u64,
    gate: Duration,
}

impl Edge<'_> {
    /// When the earliest probe was due that it may have met unseen, and whether the lane was watched until then.
    fn before(&self, outage: &Outage) -> (Offset, bool) {
        let schedule = self.timeline.schedule();
        let first = schedule.slots_before(outage.from);
        let runs = self.timeline.runs();
        let runs = &runs[..runs.partition_point(|run| run.slot < first)];
        let gate = outage.from.back(self.gate);
        let mut left = self.unseen;
        for run in runs.iter().rev().filter(|run| succeeded(run)) {
            if run.count >= left {
                return (schedule.due(run.last_slot() + 1 - left).max(gate), true);
            }
            left -= run.count;
        }
        (gate, outage.from.since(schedule.due(0)) >= self.gate)
    }

    /// When the latest probe was due that it may have met unseen, and whether the lane was watched until then.
    fn after(&self, outage: &Outage) -> (Offset, bool) {
        let schedule = self.timeline.schedule();
        let runs = self.runs_after(outage);
        let gate = outage.to + self.gate;
        let mut left = self.unseen;
        for run in runs.iter().filter(|run| succeeded(run)) {
            if run.count >= left {
                return (schedule.due(run.slot + left - 1).min(gate), true);
            }
            left -= run.count;
        }
        let end = runs.last().map_or(outage.to, |run| schedule.due(run.last_slot()));
        (gate, end.since(outage.to) >= self.gate)
    }

    /// How long after it was due the success came back that sets the hard bound of the end.
    fn late(&self, outage: &Outage, hard: Offset) -> Duration {
        let schedule = self.timeline.schedule();
        let success = self.runs_after(outage).iter().find(|run| succeeded(run));
        success.map_or(Duration::ZERO, |run| hard.since(schedule.due(run.slot)))
    }

    fn runs_after(&self, outage: &Outage) -> &[Run] {
        let last = self.timeline.schedule().slots_before(outage.to);
        let runs = self.timeline.runs();
        &runs[runs.partition_point(|run| run.slot <= last)..]
    }
}

fn succeeded(run: &Run) -> bool {
    matches!(run.class.health(), Health::Up | Health::Slow)
}

#[cfg(test)]
#[path = "disruption/tests.rs"]
mod tests;
#[cfg(test)]
mod trials;
