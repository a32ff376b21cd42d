//! A record of extreme values.

use std::time::Duration;

use super::Sample;
use crate::batch::{Batch, ProbeRecord as Resolved};
use crate::entry::{ActId, End, Entry, Exit, Window};
use crate::record::{Record, Recorder};
use lapse_measure::answer::{Class, Connection, Probe};
use lapse_measure::lane::LaneId;
use lapse_measure::phase::Phase;
use lapse_measure::time::{Anchor, Offset, UnixTime};
use lapse_measure::verdict::{MaxBlind, default_budget};

/// A run of extreme values that no real run has, as in a damaged or forged journal.
pub fn hostile() -> Record {
    let far = Offset::from_nanos(u64::MAX);
    let mut sample = Sample::of(&["", "\u{202e}\r\n\u{0}"]);
    sample.about.anchor = Anchor { date: UnixTime::from_nanos(u64::MAX), offset: far };
    sample.about.targets[1].policies.clear();
    sample.about.timeout = Duration::from_nanos(u64::MAX);
    sample.about.slow = Duration::ZERO;
    sample.about.rules.max_blind = Some(MaxBlind { share: f64::NAN, stretch: Duration::ZERO });
    sample.about.command = Some(Vec::new());
    sample.about.budgets.push((default_budget(), Window::Act(ActId(7))));
    let mut recorder = Recorder::new(sample.about);
    let probe = |slot, sent, done| Probe {
        slot,
        due: far,
        sent,
        done,
        class: Class::Status(999),
        timed_out: true,
        connection: Connection::Reused,
        reconnects: u8::MAX,
    };
    let resolved = |slot, sent, done| Resolved {
        lane: LaneId(0),
        probe: probe(slot, sent, done),
        evidence: None,
        version: Some(9),
    };
    let records = vec![resolved(0, far, Offset::ZERO), resolved(1 << 22, Offset::ZERO, far)];
    let exit = Exit { at: Offset::ZERO, code: None, signal: Some(i32::MIN) };
    let anchor = Anchor { date: UnixTime::from_nanos(0), offset: far };
    let end = End { at: far, anchor, pressure: Some(f64::NAN), precedence_until: Some(far) };
    let entries = [
        Entry::Phase(Phase::Event, far),
        Entry::Act("\u{7}".to_owned(), far),
        Entry::Batch(Batch {
            watermark: far,
            records,
            controls: vec![probe(9, far, Offset::ZERO)],
            ..Batch::default()
        }),
        Entry::Started(far),
        Entry::Exit(exit),
        Entry::End(end),
    ];
    for entry in entries {
        recorder.take(entry).unwrap();
    }
    recorder.finish()
}
