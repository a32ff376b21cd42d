//! Failed probes with their evidence, packed into about twenty bytes each; equal texts are stored once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pack::Pack;
use super::sanitize;
use lapse_measure::answer::{Class, Connection};
use lapse_measure::lane::LaneId;
use lapse_measure::observations::LaneObservations;
use lapse_measure::time::nanos;
use lapse_record::failure::Failure;
use lapse_record::record::Record;

/// Limit on the total size of texts, in bytes: responses with a different body each time would fill the page.
const MAX_TEXT_BYTES: usize = 200_000;

/// Failed probes, ordered by lane and slot. The numbers of each: lane, slots since the previous failure (from zero in
/// each lane), sent minus due (signed), done minus sent (signed), class, `1` if timed out plus `2` if the connection
/// was reused, status or 0, peer, local port or 0, server, body, detail, the connection's age in microseconds, its
/// uses, and 1 more than the microseconds for which it had been idle, or 0. Peer, server, body and detail are positions
/// in `texts`, counted from 1; 0 means none.
#[derive(Serialize)]
pub(super) struct Failures {
    count: usize,
    packed: String,
    texts: Vec<String>,
    /// The seed that the script computes the ids of probes from; none if no request carries one.
    id_seed: Option<String>,
    /// Of each lane, whether its requests carry their id as a UUID, and whether as a `traceparent`.
    ids: Vec<[bool; 2]>,
}

impl Failures {
    pub(super) fn of(record: &Record, palette: &[Class]) -> Self {
        let mut sorted: Vec<_> = record.failures.kept.iter().collect();
        sorted.sort_by_key(|failure| (failure.lane, failure.probe.slot));
        let (mut pack, mut texts, mut before) = (Pack::default(), Texts::default(), (LaneId(0), 0));
        for failure in &sorted {
            let slots = if before.0 == failure.lane { before.1 } else { 0 };
            pack.push(failure.lane.0 as u64);
            pack.push(failure.probe.slot - slots);
            before = (failure.lane, failure.probe.slot);
            push_probe(&mut pack, failure, palette);
            push_evidence(&mut pack, failure, &mut texts);
        }
        let ids = |lane: &LaneObservations| {
            let carried = record.about.targets.get(lane.lane.target.0).map(|target| target.ids).unwrap_or_default();
            [carried.uuid, carried.traceparent]
        };
        Self {
            count: sorted.len(),
            packed: pack.into_base64(),
            texts: texts.all,
            id_seed: record.about.id_seed.map(|seed| seed.to_string()),
            ids: record.seen.lanes.iter().map(ids).collect(),
        }
    }
}

fn push_probe(pack: &mut Pack, failure: &Failure, palette: &[Class]) {
    let probe = &failure.probe;
    pack.push_step(probe.due.as_nanos(), probe.sent.as_nanos());
    pack.push_step(probe.sent.as_nanos(), probe.done.as_nanos());
    pack.push(palette.binary_search(&probe.class).unwrap_or(0) as u64);
    pack.push(u64::from(probe.timed_out) + 2 * u64::from(probe.connection == Connection::Reused));
}

fn push_evidence(pack: &mut Pack, failure: &Failure, texts: &mut Texts) {
    let evidence = &failure.evidence;
    let status = match failure.probe.class {
        Class::Status(code) => Some(code),
        _ => evidence.status,
    };
    pack.push(u64::from(status.unwrap_or(0)));
    pack.push(texts.place(evidence.peer.map(|peer| peer.to_string()).as_deref()));
    pack.push(u64::from(evidence.local_port.unwrap_or(0)));
    pack.push(texts.place(evidence.server.as_deref()));
    pack.push(texts.place(evidence.body.as_deref()));
    pack.push(texts.place(Some(&evidence.detail)));
    pack.push(nanos(evidence.age) / 1000);
    pack.push(u64::from(evidence.uses));
    pack.push(evidence.idle.map_or(0, |idle| nanos(idle) / 1000 + 1));
}

/// Distinct texts with their positions.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: BTreeMap<String, u64>,
    bytes: usize,
}

impl Texts {
    /// The position of `text`, counted from 1 and added if it is new; 0 if there is none. Beyond [`MAX_TEXT_BYTES`] new
    /// texts are replaced by a reference to report.json.
    fn place(&mut self, text: Option<&str>) -> u64 {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return 0 };
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let text = if self.bytes + text.len() > MAX_TEXT_BYTES { "(see report.json)" } else { text };
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.bytes += text.len();
        self.all.push(sanitize(text));
        let place = self.all.len() as u64;
        self.places.insert(text.to_owned(), place);
        place
    }
}
