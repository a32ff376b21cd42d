//! Batches: the results of slots in the form in which the prober delivers them and the journal keeps them.

use lapse_measure::answer::{Evidence, Probe};
use lapse_measure::lane::LaneId;
use lapse_measure::time::Offset;

/// The result of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    /// The lane of the slot.
    pub lane: LaneId,
    /// The times and the class, from which figures are computed.
    pub probe: Probe,
    /// Details for finding the cause; `None` if the probe succeeded.
    pub evidence: Option<Box<Evidence>>,
}

/// The responses of one backend since the batch before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The backend's name, from the header that `--backend-header` selects.
    pub backend: String,
    /// The number of responses.
    pub times: u64,
    /// When the last of these responses was complete.
    pub last: Offset,
}

/// The results of the slots that resolved since the batch before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Every slot of every lane that was due before this instant has been sent, or has its record.
    pub watermark: Offset,
    /// The results, in the order in which the slots resolved.
    pub records: Vec<ProbeRecord>,
    /// The results of the control lane, which are never attributed to a target.
    pub controls: Vec<Probe>,
    /// The responses by backend; empty without a header that names it.
    pub served: Vec<Served>,
}
