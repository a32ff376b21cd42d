//! Journals of long runs, made up: what a report of them costs does not depend on who sent the probes.

use std::io;
use std::path::Path;
use std::time::Duration;

use lapse_measure::answer::{Class, Connection, Evidence, Health, Probe};
use lapse_measure::lane::{Lane, LaneId, Policy};
use lapse_measure::phase::Phase;
use lapse_measure::schedule::Rate;
use lapse_measure::time::Offset;
use lapse_record::batch::{Batch, ProbeRecord};
use lapse_record::entry::{End, Entry, RunHeader};
use lapse_record::journal::Journal;
use lapse_record::sample::Sample;

/// The probes a second of a run, over both lanes.
pub const RATE: u64 = 10_000;
/// An outage begins this long after the one before: 200 in an hour.
const BETWEEN: Duration = Duration::from_secs(18);
/// The length of an outage.
const OUTAGE: Duration = Duration::from_millis(300);
/// The time that a batch covers, as in a real run.
const BATCH: Duration = Duration::from_millis(40);

/// The header of a run that a service answers at [`RATE`].
///
/// # Panics
/// Never: the rate is one.
pub fn header() -> RunHeader {
    let mut about = Sample::of(&["shop"]).about;
    if let Some(rate) = Rate::per_second(RATE) {
        about.rate = rate;
    }
    about
}

/// Writes the journal of a run of this length to `folder`. The error is that of the file system.
pub fn write(folder: &Path, length: Duration) -> io::Result<()> {
    let about = header();
    let mut journal = Journal::create(folder, &about)?;
    journal.append(&Entry::Phase(Phase::Event, Offset::ZERO))?;
    let lanes = about.lanes();
    let mut from = Offset::ZERO;
    while from < Offset::ZERO + length {
        journal.append(&Entry::Batch(batch(&lanes, from)))?;
        from = from + BATCH;
    }
    let anchor = lapse_measure::time::Anchor { date: about.anchor.date + length, offset: from };
    journal.append(&Entry::End(End { at: from, anchor, pressure: None, precedence_until: None }))
}

/// The probes that were due in the 40 ms from `from` on, in the order in which they resolved.
pub fn batch(lanes: &[Lane], from: Offset) -> Batch {
    let to = from + BATCH;
    let of_lane = |(nth, lane): (usize, &Lane)| {
        let slots = lane.schedule.slots_before(from)..lane.schedule.slots_before(to);
        slots.map(|slot| resolved(LaneId(nth), lane, slot)).collect::<Vec<_>>()
    };
    let mut records: Vec<_> = lanes.iter().enumerate().flat_map(of_lane).collect();
    records.sort_by_key(|record| record.probe.done);
    Batch { watermark: to, records, ..Batch::default() }
}

fn resolved(id: LaneId, lane: &Lane, slot: u64) -> ProbeRecord {
    let due = lane.schedule.due(slot);
    let since_outage = u128::from(due.as_nanos()) % BETWEEN.as_nanos();
    let class =
        if due >= Offset::ZERO + BETWEEN && since_outage < OUTAGE.as_nanos() { Class::Refused } else { Class::Ok };
    // Times that vary from probe to probe, without a generator of random numbers.
    let jitter = Duration::from_nanos(slot.wrapping_mul(7_919) % 300_000);
    let (sent, connection) =
        (due + jitter, if lane.policy == Policy::New { Connection::New } else { Connection::Reused });
    let done = sent + Duration::from_micros(200) + jitter * 3;
    let probe = Probe { slot, due, sent, done, class, timed_out: false, connection, reconnects: 0 };
    let evidence = (class.health() == Health::Failed).then(|| Box::new(Evidence::default()));
    ProbeRecord { lane: id, probe, evidence }
}
