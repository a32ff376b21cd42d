//! The observations of a run, by target, by lane and of the prober itself, that all reports are computed from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::Class;
use super::burst::Burst;
use super::detection::Unseen;
use super::disruption::Disruption;
use super::held::totals::Held;
use super::lane::{Lane, LaneId, TargetId};
use super::latency::Distribution;
use super::outage::{Outage, OutageId};
use super::phase::Phases;
use super::span::{Span, Spans};
use super::time::Offset;
use super::timeline::Timeline;
use super::trend::Trend;

/// A lane that did not send more than this share of its slots although the prober ran could not keep its rate.
const MAX_SHED: f64 = 0.05;

/// The slots of a lane, counted by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Slots that were due before the end of the run.
    pub offered: u64,
    /// Slots whose probe was sent, resolved or not.
    pub sent: u64,
    /// Probes sent more than a millisecond after they were due.
    pub late: u64,
    /// Slots whose probe the prober could not send.
    pub not_sent: u64,
    /// Slots not sent although the prober did not stall: the rate was more than it could keep.
    pub shed: u64,
    /// Probes that came to an answer, good or bad.
    pub resolved: u64,
    /// Resolved probes that failed.
    pub failed: u64,
    /// Pooled connections that were found closed, and replaced, before a request was written.
    pub reconnects: u64,
}

/// The observations of one lane.
#[derive(Clone, Debug)]
pub struct LaneObservations {
    /// The lane's index in the run.
    pub id: LaneId,
    /// The lane's target, policy, protocol and schedule.
    pub lane: Lane,
    /// The class of each slot, run-length encoded.
    pub timeline: Timeline,
    /// The slots, counted by what became of them.
    pub counts: Counts,
    /// The number of slots by class.
    pub classes: BTreeMap<Class, u64>,
    /// The strict outages, in order of time.
    pub outages: Vec<Outage>,
    /// The disruptions, in order of time.
    pub disruptions: Vec<Disruption>,
    /// The runs of slow slots, in order of time, with bounds like those of outages.
    pub slow: Vec<Outage>,
    /// The failures in groups, from which episodes are made.
    pub bursts: Vec<Burst>,
    /// `sent - due` of all probes that were sent.
    pub lateness: Distribution,
    /// `done - due` of healthy probes, by index of the phase; phases after the last healthy probe may be missing.
    pub latency: Vec<Distribution>,
    /// `done - sent` of healthy probes.
    pub trip: Distribution,
    /// The latency of healthy probes over the run, by due time.
    pub latency_trend: Trend,
    /// The lateness of all sent probes over the run, by due time.
    pub lateness_trend: Trend,
    /// The time in which the lane was blind: slots were not sent, or sends were too far apart.
    pub blind: Spans,
    /// The widest gap between two sends outside blind time.
    pub widest: Duration,
    /// The longest outages that could have gone unseen, as a function of time.
    pub unseen: Unseen,
    /// Failures no further apart than this are one disruption; see [`super::disruption::gate_of`].
    pub gate: Duration,
}

impl LaneObservations {
    /// Whether the rate was more than the prober or the service could carry.
    pub fn could_not_keep_its_rate(&self) -> bool {
        self.share_shed() > MAX_SHED
    }

    /// The share of the slots that were not sent although the prober ran.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    pub fn share_shed(&self) -> f64 {
        self.counts.shed as f64 / self.counts.offered.max(1) as f64
    }

    /// The shortest outage that this lane was sure to see: the widest gap plus the p99.9 of healthy round trips.
    pub fn detection_limit(&self) -> Duration {
        self.widest + self.trip.quantile(0.999).unwrap_or_default()
    }

    /// `done - sent` of failed probes by class. `None` has those of all classes beyond the first few of a burst.
    pub fn times_to_fail(&self) -> BTreeMap<Option<Class>, Distribution> {
        let mut all = BTreeMap::new();
        for (class, times) in self.bursts.iter().flat_map(|burst| &burst.times_to_fail) {
            all.entry(*class).or_insert_with(Distribution::coarse).add(times);
        }
        all
    }

    /// `done - due` of healthy probes, over all phases.
    pub fn latency_overall(&self) -> Distribution {
        let mut all = Distribution::fine();
        for phase in &self.latency {
            all.add(phase);
        }
        all
    }
}

/// The observations of a target as a whole, beside those of its lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetObservations {
    /// The name of the target in reports.
    pub name: String,
    /// The longest time without a success while probes were outstanding; `None` if nothing was sent.
    pub success_gap: Option<Span>,
    /// Its held streams; `None` unless the run held some.
    pub held: Option<Held>,
}

/// The observations of a run.
#[derive(Clone, Debug)]
pub struct Observations {
    /// The targets, by [`TargetId`].
    pub targets: Vec<TargetObservations>,
    /// The lanes, by [`LaneId`].
    pub lanes: Vec<LaneObservations>,
    /// The phases of the run, each with its start.
    pub phases: Phases,
    /// The time in which the prober itself was held up: the control lane failed or stalled.
    pub held_up: Spans,
    /// The number of control probes.
    pub controls: u64,
    /// The end of the run: no slot due from here on was sent.
    pub end: Offset,
}

impl Observations {
    /// The ids of all targets, in order.
    pub fn target_ids(&self) -> impl Iterator<Item = TargetId> + use<> {
        (0..self.targets.len()).map(TargetId)
    }

    /// The target of this id.
    ///
    /// # Panics
    /// If the id is of another run.
    pub fn target(&self, id: TargetId) -> &TargetObservations {
        &self.targets[id.0]
    }

    /// The lane of this id.
    ///
    /// # Panics
    /// If the id is of another run.
    pub fn lane(&self, id: LaneId) -> &LaneObservations {
        &self.lanes[id.0]
    }

    /// The lanes of a target, in order.
    pub fn lanes_of(&self, target: TargetId) -> Vec<&LaneObservations> {
        self.lanes.iter().filter(|lane| lane.lane.target == target).collect()
    }

    /// The strict outage of this id.
    ///
    /// # Panics
    /// If the id is of another run.
    pub fn outage(&self, id: OutageId) -> &Outage {
        &self.lane(id.lane).outages[id.nth]
    }

    /// The name of a lane in reports: `new`, or `shop/new` if there are several targets.
    pub fn lane_name(&self, id: LaneId) -> String {
        let lane = self.lane(id).lane;
        match self.targets.as_slice() {
            [_] => lane.policy.to_string(),
            all => format!("{}/{}", all[lane.target.0].name, lane.policy),
        }
    }
}
