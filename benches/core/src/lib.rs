//! Journals of long runs, made up: what a report of them costs does not depend on who sent the probes.

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use lapse_measure::answer::{Class, Connection, Evidence, Health, Probe};
use lapse_measure::lane::{Lane, LaneId, Policy};
use lapse_measure::phase::Phase;
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Anchor, Offset};
use lapse_record::batch::{Batch, ProbeRecord};
use lapse_record::entry::{End, Entry, RunHeader};
use lapse_record::event::{Event, EventKind, Object, ObjectKind, Source};
use lapse_record::journal::Journal;
use lapse_record::sample::Sample;

/// The time that a batch covers, as in a real run.
const BATCH: Duration = Duration::from_millis(40);

/// A run that is made up: of each target both lanes, and services that answer but for outages.
#[derive(Args, Clone, Copy, Debug)]
pub struct MadeUp {
    /// How long the run is, in seconds
    #[arg(long, default_value_t = 3_600)]
    pub seconds: u32,
    /// Probes a second of each target, over both of its lanes
    #[arg(long, default_value_t = 10_000)]
    pub rate: u32,
    /// Targets
    #[arg(long, default_value_t = 1)]
    pub targets: u32,
    /// Outages, spread evenly over the run
    #[arg(long, default_value_t = 200)]
    pub outages: u32,
    /// How long an outage is, in milliseconds
    #[arg(long, default_value_t = 300)]
    pub outage_ms: u32,
    /// Changes in the cluster, spread evenly over the run
    #[arg(long, default_value_t = 0)]
    pub changes: u32,
}

impl MadeUp {
    /// A run of 10,000 probes a second for this long, with an outage of 300 ms every 18 s.
    pub fn lasting(seconds: u32) -> Self {
        Self { seconds, rate: 10_000, targets: 1, outages: seconds / 18, outage_ms: 300, changes: 0 }
    }

    /// The header of the run.
    pub fn header(&self) -> RunHeader {
        let names: Vec<_> = (0..self.targets).map(|nth| format!("shop-{nth}")).collect();
        let mut about = Sample::of(&names.iter().map(String::as_str).collect::<Vec<_>>()).about;
        if let Some(rate) = Rate::per_second(self.rate.into()) {
            about.rate = rate;
        }
        about
    }

    /// Writes the journal of the run to `folder`. The error is that of the file system.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let about = self.header();
        let mut journal = Journal::create(folder, &about)?;
        journal.append(&Entry::Phase(Phase::Event, Offset::ZERO))?;
        let (lanes, length) = (about.lanes(), self.length());
        let (mut from, mut changes) = (Offset::ZERO, 0);
        while from < Offset::ZERO + length {
            while changes < self.changes && self.nth(changes, self.changes) <= from {
                journal.append(&Entry::Event(change(changes, from)))?;
                changes += 1;
            }
            journal.append(&Entry::Batch(self.batch(&lanes, from)))?;
            from = from + BATCH;
        }
        let anchor = Anchor { date: about.anchor.date + length, offset: from };
        journal.append(&Entry::End(End { at: from, anchor, pressure: None, precedence_until: None }))
    }

    /// The probes that were due in the 40 ms from `from` on, in the order in which they resolved.
    pub fn batch(&self, lanes: &[Lane], from: Offset) -> Batch {
        let to = from + BATCH;
        let of_lane = |(nth, lane): (usize, &Lane)| {
            let slots = lane.schedule.slots_before(from)..lane.schedule.slots_before(to);
            slots.map(|slot| self.resolved(LaneId(nth), lane, slot)).collect::<Vec<_>>()
        };
        let mut records: Vec<_> = lanes.iter().enumerate().flat_map(of_lane).collect();
        records.sort_by_key(|record| record.probe.done);
        Batch { watermark: to, records, ..Batch::default() }
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// When the `nth` of `count` things that are spread evenly over the run takes place.
    fn nth(&self, nth: u32, count: u32) -> Offset {
        Offset::ZERO + self.length() * (nth + 1) / (count + 1)
    }

    /// Whether the services are down at this instant.
    fn is_down(&self, at: Offset) -> bool {
        let every = self.length() / (self.outages + 1);
        let since = at.as_nanos() % u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1);
        at >= self.nth(0, self.outages) && since < u64::from(self.outage_ms) * 1_000_000
    }

    fn resolved(&self, id: LaneId, lane: &Lane, slot: u64) -> ProbeRecord {
        let due = lane.schedule.due(slot);
        let class = if self.outages > 0 && self.is_down(due) { Class::Refused } else { Class::Ok };
        // Times that vary from probe to probe, without a generator of random numbers.
        let jitter = Duration::from_nanos(slot.wrapping_mul(7_919) % 300_000);
        let connection = if lane.policy == Policy::New { Connection::New } else { Connection::Reused };
        let sent = due + jitter;
        let done = sent + Duration::from_micros(200) + jitter * 3;
        let probe = Probe { slot, due, sent, done, class, timed_out: false, connection, reconnects: 0 };
        let evidence = (class.health() == Health::Failed).then(|| Box::new(Evidence::default()));
        ProbeRecord { lane: id, probe, evidence, version: None }
    }
}

/// Pods that become ready and end, one after the other.
fn change(nth: u32, at: Offset) -> Event {
    let (kind, text) = if nth.is_multiple_of(2) {
        (EventKind::PodReady, "the pod is ready")
    } else {
        (EventKind::PodDeleting, "the pod is being deleted")
    };
    let pod = Object::new(ObjectKind::Pod, format!("shop-{}", nth / 2));
    Event::new(at, Source::Kubernetes, kind, text).to(pod)
}
