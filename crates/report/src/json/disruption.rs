//! Disruptions, and what could have gone unseen.

use schemars::JsonSchema;
use serde::Serialize;

use super::figure::{Figure, SampledFigure, Share};
use lapse_measure::budget;
use lapse_measure::disruption;
use lapse_measure::disruptions;
use lapse_measure::time::{Offset, nanos};
use lapse_measure::totals;

/// Failures no further apart than the gate time.
#[derive(Serialize, JsonSchema)]
pub(super) struct Disruption {
    /// When its first failed slot was due.
    from_ns: u64,
    /// When its last failed slot was due.
    to_ns: u64,
    /// Earliest and latest offset at which it can have begun, in nanoseconds; the earliest is null if not bounded.
    began: (Option<u64>, u64),
    /// Earliest and latest offset at which it can have ended, in nanoseconds; the latest is null if not bounded.
    ended: (u64, Option<u64>),
    length: SampledFigure,
    /// Probes that failed in it.
    failed: u64,
    /// Failed probes that were sent more than a millisecond late.
    failed_late: u64,
    /// Probes that came to an answer from its first failure to its last.
    resolved: u64,
    /// The share of the probes that it cost.
    lost: Share,
}

impl Disruption {
    pub(super) fn of(one: &disruption::Disruption) -> Self {
        Self {
            from_ns: one.from.as_nanos(),
            to_ns: one.to.as_nanos(),
            began: (one.began.0.map(Offset::as_nanos), one.began.1.as_nanos()),
            ended: (one.ended.0.as_nanos(), one.ended.1.map(Offset::as_nanos)),
            length: SampledFigure::of(one.length(), one.certainty),
            failed: one.failed,
            failed_late: one.failed_late,
            resolved: one.resolved,
            lost: one.lost.into(),
        }
    }
}

/// Totals of the disruptions of the target's lanes, which are counted lane by lane.
#[derive(Serialize, JsonSchema)]
pub(super) struct Disruptions {
    /// The gate time: the longest of any lane.
    gate_ns: u64,
    /// Number of disruptions, over all lanes.
    count: usize,
    longest: Figure,
    shortest: Figure,
    average: Figure,
    /// Sum of the lengths, over all lanes.
    total: Figure,
}

impl Disruptions {
    pub(super) fn of(all: &disruptions::Disruptions) -> Self {
        Self {
            gate_ns: nanos(all.gate),
            count: all.count,
            longest: all.longest_length.into(),
            shortest: all.shortest_length.into(),
            average: all.average.into(),
            total: all.total.into(),
        }
    }
}

/// How long an outage could have lasted without one probe meeting it.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
pub(super) struct Unseen {
    /// The longest, on the lane where it is longest.
    longest_ns: u64,
    /// When that could have begun, to the width of a point of the lane's curve.
    at_ns: u64,
    /// The median over the run, on the lane where it is longest.
    median_ns: u64,
}

impl Unseen {
    pub(super) fn of(totals: &totals::Totals) -> Self {
        Self {
            longest_ns: nanos(totals.unseen.length),
            at_ns: totals.unseen.at.as_nanos(),
            median_ns: nanos(totals.unseen_median),
        }
    }
}

/// The worst stretch of one width.
#[derive(Serialize, JsonSchema)]
pub(super) struct WorstWindow {
    width_ns: u64,
    /// The largest share of the probes that failed in any stretch of this width.
    failed_share: f64,
}

impl WorstWindow {
    pub(super) fn of(worst: &budget::WorstShare) -> Self {
        Self { width_ns: nanos(worst.width), failed_share: worst.share }
    }
}
