//! The measurements of a lane: counts, classes, round trips, and its outages with their bounds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::disruption::Disruption;
use super::figure::{Figure, Quantiles};
use lapse_measure::answer::Class;
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage;
use lapse_measure::time::{Offset, nanos};

/// A lane: one target, one connection policy, one protocol.
#[derive(Serialize, JsonSchema)]
pub(super) struct Lane {
    /// Name of the lane within its target, which is its policy.
    name: String,
    /// `reused` or `new`.
    policy: String,
    /// `http/1.1` or `h2`.
    protocol: String,
    /// Slots due.
    offered: u64,
    /// Slots whose probe was sent.
    sent: u64,
    /// Probes that came to an answer, good or bad.
    resolved: u64,
    /// Slots that the prober could not send.
    not_sent: u64,
    /// Probes sent more than a millisecond after they were due.
    late: u64,
    /// Slots a second that were to be sent.
    offered_rate: f64,
    /// Slots a second that were sent.
    achieved_rate: f64,
    /// Pooled connections found closed before a request was written, and replaced.
    reconnects: u64,
    /// Slots by class; what no slot came to is left out.
    classes: BTreeMap<String, u64>,
    /// The smallest outage that this lane was sure to see.
    floor_ns: u64,
    /// Time in which the lane could not see.
    blind_ns: u64,
    /// From due to sent.
    lateness: Option<Quantiles>,
    /// From due to done of healthy answers.
    latency: Option<Quantiles>,
    /// From sent to done of healthy answers.
    sent_to_done: Option<Quantiles>,
    outages: Vec<Outage>,
    /// Failures no further apart than the gate time, in the order of time.
    disruptions: Vec<Disruption>,
}

impl Lane {
    pub(super) fn of(seen: &LaneObservations) -> Self {
        let (lane, counts) = (seen.lane, &seen.counts);
        let rate = lane.schedule.rate();
        Self {
            name: lane.policy.to_string(),
            policy: lane.policy.to_string(),
            protocol: lane.protocol.to_string(),
            offered: counts.offered,
            sent: counts.sent,
            resolved: counts.resolved,
            not_sent: counts.not_sent,
            late: counts.late,
            offered_rate: rate,
            achieved_rate: share(counts.sent, counts.offered) * rate,
            reconnects: counts.reconnects,
            classes: counted(&seen.classes),
            floor_ns: nanos(seen.detection_limit()),
            blind_ns: nanos(seen.blind.length()),
            lateness: Quantiles::of(&seen.lateness),
            latency: Quantiles::of(&seen.latency_overall()),
            sent_to_done: Quantiles::of(&seen.trip),
            outages: seen.outages.iter().map(Outage::of).collect(),
            disruptions: seen.disruptions.iter().map(Disruption::of).collect(),
        }
    }
}

/// A maximal run of consecutive failed slots of a lane.
#[derive(Serialize, JsonSchema)]
struct Outage {
    /// When its first failed slot was due.
    from_ns: u64,
    /// When its last failed slot was due.
    to_ns: u64,
    /// Earliest and latest offset at which it can have begun, in nanoseconds; the earliest is null if not bounded.
    began: (Option<u64>, u64),
    /// Earliest and latest offset at which it can have ended, in nanoseconds; the latest is null if not bounded.
    ended: (u64, Option<u64>),
    duration: Figure,
    failed: u64,
    classes: BTreeMap<String, u64>,
    /// The sides that are not bounded, and why: `start`, `end`.
    open: Vec<&'static str>,
}

impl Outage {
    fn of(outage: &outage::Outage) -> Self {
        let (began, ended) = (outage.began, outage.ended);
        Self {
            from_ns: outage.from.as_nanos(),
            to_ns: outage.to.as_nanos(),
            began: (began.0.map(Offset::as_nanos), began.1.as_nanos()),
            ended: (ended.0.as_nanos(), ended.1.map(Offset::as_nanos)),
            duration: outage.duration().into(),
            failed: outage.failed,
            classes: counted(&outage.classes),
            open: outage.open.iter().map(|side| side.name()).collect(),
        }
    }
}

/// Counts by the spelling of their class.
pub(super) fn counted(classes: &BTreeMap<Class, u64>) -> BTreeMap<String, u64> {
    classes.iter().map(|(class, count)| (class.to_string(), *count)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
