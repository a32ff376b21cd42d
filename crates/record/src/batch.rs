//! What became of some slots, as the hammer hands it on.

use lapse_measure::answer::{Evidence, Probe};
use lapse_measure::lane::LaneId;
use lapse_measure::time::Offset;

/// What became of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    /// Its lane.
    pub lane: LaneId,
    /// What the measuring core needs.
    pub probe: Probe,
    /// What else is known if it failed.
    pub evidence: Option<Box<Evidence>>,
}

/// Answers of one backend since the batch before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Who gave them, by the header that names it.
    pub backend: String,
    /// How many.
    pub times: u64,
    /// When the last one was complete.
    pub last: Offset,
}

/// What became of some slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Every slot of every lane that was due before this has been sent, or has its record.
    pub watermark: Offset,
    /// In the order in which they resolved.
    pub records: Vec<ProbeRecord>,
    /// Probes of the control lane.
    pub controls: Vec<Probe>,
    /// Who answered, if a header says so.
    pub served: Vec<Served>,
}
