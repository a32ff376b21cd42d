//! Batches: the results of slots in the form in which the prober delivers them and the journal keeps them.

use lapse_measure::answer::{Evidence, Health, Probe};
use lapse_measure::lane::LaneId;
use lapse_measure::time::Offset;
use lapse_measure::version::Naming;

/// The result of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRecord {
    /// The lane of the slot.
    pub lane: LaneId,
    /// The times and the class, from which figures are computed.
    pub probe: Probe,
    /// Details for finding the cause; `None` if the probe succeeded.
    pub evidence: Option<Box<Evidence>>,
    /// The place in [`Batch::versions`] of the version that the answer names, or a place beyond them if the batch had
    /// room for no more; `None` if the answer names none, or if there was none.
    pub version: Option<u16>,
}

impl ProbeRecord {
    /// Whether the head of an answer arrived, whatever became of the rest.
    pub fn has_answer(&self) -> bool {
        match self.probe.class.health() {
            Health::Up | Health::Slow => true,
            Health::Failed => self.evidence.as_ref().is_some_and(|evidence| evidence.status.is_some()),
            Health::Blind => false,
        }
    }
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
    /// The versions that the answers name, at most [`MAX_VERSIONS`](lapse_measure::version::MAX_VERSIONS); empty without
    /// a header that names them.
    pub versions: Vec<String>,
}

impl Batch {
    /// What the answer of one of the records says of its version; `None` if there was no answer.
    pub fn naming(&self, record: &ProbeRecord) -> Option<Naming<'_>> {
        match record.version {
            Some(place) => {
                Some(self.versions.get(usize::from(place)).map_or(Naming::Further, |name| Naming::Version(name)))
            }
            None => record.has_answer().then_some(Naming::Nothing),
        }
    }
}
