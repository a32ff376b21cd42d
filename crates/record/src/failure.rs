//! Failed probes that are kept individually, with their evidence. Their number is limited.

use lapse_measure::answer::{Evidence, Probe};
use lapse_measure::lane::LaneId;

/// A failed probe with all that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The lane of the probe.
    pub lane: LaneId,
    /// The times and the class of the probe.
    pub probe: Probe,
    /// Details for finding the cause; empty if the prober recorded none.
    pub evidence: Evidence,
}

/// The failed probes that were kept individually, and how many were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// The failures kept, in the order in which they resolved.
    pub kept: Vec<Failure>,
    /// The number of failures that were not kept. Outages and totals count these too.
    pub dropped: u64,
}
