//! All that is kept of a run once its probes are folded: by target, by lane, and of the prober itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::Class;
use super::burst::Burst;
use super::detection::Unseen;
use super::disruption::Disruption;
use super::lane::{Lane, LaneId, TargetId};
use super::latency::Distribution;
use super::outage::{Outage, OutageId};
use super::phase::Phases;
use super::span::{Span, Spans};
use super::time::Offset;
use super::timeline::Timeline;
use super::trend::Trend;

/// How many slots of a lane came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Slots due.
    pub offered: u64,
    /// Slots whose probe was sent.
    pub sent: u64,
    /// Probes sent more than a millisecond after they were due.
    pub late: u64,
    /// Slots that the prober could not send.
    pub not_sent: u64,
    /// Those of them that it could not send although it did not stall: the rate was more than it could keep.
    pub shed: u64,
    /// Probes that came to an answer, good or bad.
    pub resolved: u64,
    /// Resolved probes that failed.
    pub failed: u64,
    /// Pooled connections found closed before a request was written, and replaced.
    pub reconnects: u64,
}

/// All that is kept of a lane.
#[derive(Clone, Debug)]
pub struct LaneObservations {
    /// Which lane of the run this is.
    pub id: LaneId,
    /// Its target, policy, protocol and schedule.
    pub lane: Lane,
    /// Its answers by slot.
    pub timeline: Timeline,
    /// How many slots came to what.
    pub counts: Counts,
    /// How many slots of each class.
    pub classes: BTreeMap<Class, u64>,
    /// Its strict outages.
    pub outages: Vec<Outage>,
    /// Its disruptions, in the order of time.
    pub disruptions: Vec<Disruption>,
    /// Its slow stretches, bracketed alike.
    pub slow: Vec<Outage>,
    /// Failures gathered for episodes.
    pub bursts: Vec<Burst>,
    /// From due to sent.
    pub lateness: Distribution,
    /// From due to done of healthy answers, for each phase.
    pub latency: Vec<Distribution>,
    /// From sent to done of healthy answers.
    pub trip: Distribution,
    /// How the latency of healthy answers went over the run, by due time.
    pub latency_trend: Trend,
    /// How lateness went over the run, by due time.
    pub lateness_trend: Trend,
    /// What it could not see.
    pub blind: Spans,
    /// The largest gap between two sends outside blind time.
    pub widest: Duration,
    /// The longest outages that could have gone unseen, as a function of time.
    pub unseen: Unseen,
    /// Failures no further apart than this are one disruption; see [`super::disruption::gate_of`].
    pub gate: Duration,
}

impl LaneObservations {
    /// The smallest outage that this lane was sure to see: the widest gap plus the p99.9 healthy round trip.
    pub fn detection_limit(&self) -> Duration {
        self.widest + self.trip.quantile(0.999).unwrap_or_default()
    }

    /// From due to done of healthy answers, over all phases.
    pub fn latency_overall(&self) -> Distribution {
        let mut all = Distribution::fine();
        for phase in &self.latency {
            all.add(phase);
        }
        all
    }
}

/// What is kept of a target beside its lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetObservations {
    /// What the user calls the target.
    pub name: String,
    /// The longest stretch without a success although probes were on their way; `None` if nothing was sent.
    pub success_gap: Option<Span>,
}

/// All that is kept of a run.
#[derive(Clone, Debug)]
pub struct Observations {
    /// The targets, by [`TargetId`].
    pub targets: Vec<TargetObservations>,
    /// The lanes, by [`LaneId`].
    pub lanes: Vec<LaneObservations>,
    /// The run's phases.
    pub phases: Phases,
    /// The time in which the prober could not even reach itself.
    pub held_up: Spans,
    /// How many control probes there were.
    pub controls: u64,
    /// The end of the run: the last instant that was observed.
    pub end: Offset,
}

impl Observations {
    /// The ids of all targets, in order.
    pub fn target_ids(&self) -> impl Iterator<Item = TargetId> + use<> {
        (0..self.targets.len()).map(TargetId)
    }

    /// The target of this id.
    pub fn target(&self, id: TargetId) -> &TargetObservations {
        &self.targets[id.0]
    }

    /// The lane of this id.
    pub fn lane(&self, id: LaneId) -> &LaneObservations {
        &self.lanes[id.0]
    }

    /// The lanes of a target, in order.
    pub fn lanes_of(&self, target: TargetId) -> Vec<&LaneObservations> {
        self.lanes.iter().filter(|lane| lane.lane.target == target).collect()
    }

    /// The strict outage of this id.
    pub fn outage(&self, id: OutageId) -> &Outage {
        &self.lane(id.lane).outages[id.nth]
    }

    /// What reports call a lane: `new`, or `shop/new` where there are several targets.
    pub fn lane_name(&self, id: LaneId) -> String {
        let lane = self.lane(id).lane;
        match self.targets.as_slice() {
            [_] => lane.policy.to_string(),
            all => format!("{}/{}", all[lane.target.0].name, lane.policy),
        }
    }
}
