//! The ids that probes carried, so that a lost request can be found in the logs of the service.

use super::entry::CarriedIds;
use super::record::Record;
use lapse_measure::lane::LaneId;
use lapse_measure::probe_id::ProbeId;

/// The id of a probe, in the forms in which its request carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    id: ProbeId,
    carried: CarriedIds,
}

impl Identity {
    /// The UUID in the place of `{uuid}`; `None` if the request had none.
    pub fn uuid(&self) -> Option<String> {
        self.carried.uuid.then(|| self.id.to_string())
    }

    /// The header `traceparent`; `None` if the request had none.
    pub fn traceparent(&self) -> Option<String> {
        self.carried.traceparent.then(|| self.id.traceparent())
    }
}

impl Record {
    /// The id that the probe of a slot carried; `None` if requests of its target carry none.
    pub fn identity(&self, lane: LaneId, slot: u64) -> Option<Identity> {
        let target = self.seen.lane(lane).lane.target;
        let carried = self.about.targets.get(target.0)?.ids;
        let id = self.about.id_seed?.id(lane, slot);
        (carried != CarriedIds::default()).then_some(Identity { id, carried })
    }
}
