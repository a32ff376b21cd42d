//! What leaves the hammer.

use crate::measure::answer::{Evidence, Probe};
use crate::measure::time::Offset;

/// What became of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The lane's place in the run's list.
    pub lane: usize,
    /// What the measuring core needs.
    pub probe: Probe,
    /// What else is known if it failed.
    pub evidence: Option<Box<Evidence>>,
}

/// What became of some slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Every slot of every lane that was due before this has been sent, or has its record.
    pub watermark: Offset,
    /// In the order in which they resolved.
    pub records: Vec<Record>,
    /// Probes of the control lane.
    pub controls: Vec<Probe>,
}
