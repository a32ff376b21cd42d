//! Failed probes that are kept one by one, with their evidence.

use lapse_measure::answer::{Evidence, Probe};
use lapse_measure::lane::LaneId;

/// A failed probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its lane.
    pub lane: LaneId,
    /// The probe.
    pub probe: Probe,
    /// What else is known of it.
    pub evidence: Evidence,
}

/// The failed probes that were kept one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// In the order in which they resolved.
    pub kept: Vec<Failure>,
    /// How many were not kept; outages and totals count them all the same.
    pub dropped: u64,
}
