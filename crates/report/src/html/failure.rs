//! Failed probes with their evidence, packed: some twenty bytes each, and each text once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pack::Pack;
use super::sanitize;
use lapse_measure::answer::{Class, Connection};
use lapse_measure::lane::LaneId;
use lapse_measure::time::nanos;
use lapse_record::failure::Failure;
use lapse_record::record::Record;

/// What texts may take in all, in bytes. A server that says something else each time would fill the page.
const TEXTS: usize = 200_000;

/// Failed probes, in the order of lanes and slots. Of each: lane, slots since the one before (from zero in each lane),
/// sent after due (signed), done after sent (signed), class, `1` if timed out plus `2` if the connection was reused,
/// status or 0, peer, local port or 0, server, body, detail, the connection's age in microseconds, and its uses.
/// Texts are named by their place, from 1 on; 0 is none.
#[derive(Serialize)]
pub(super) struct Failures {
    count: usize,
    packed: String,
    texts: Vec<String>,
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
        Self { count: sorted.len(), packed: pack.into_base64(), texts: texts.all }
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
}

/// Each text once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: BTreeMap<String, u64>,
    bytes: usize,
}

impl Texts {
    /// The text's place, from 1 on; 0 if there is none. When the texts take too much, others are left to report.json.
    fn place(&mut self, text: Option<&str>) -> u64 {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return 0 };
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let text = if self.bytes + text.len() > TEXTS { "(see report.json)" } else { text };
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
