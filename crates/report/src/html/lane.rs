//! A lane as the script draws it: run lengths, curves, and the outages that have a row.

use serde::Serialize;

use super::outage;
use super::pack::Pack;
use super::sanitize;
use crate::words::phrase::{classes, some};
use lapse_measure::answer::{Class, Health};
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage::OutageId;
use lapse_measure::span::{Span, Spans};
use lapse_measure::time::nanos;
use lapse_measure::timeline::Timeline;
use lapse_measure::trend::Trend;
use lapse_record::record::Record;

/// Blind stretches that are drawn: the longest. Slots that were not sent are drawn all the same.
const BLIND: usize = 2_000;

/// A lane.
#[derive(Serialize)]
pub(super) struct Lane {
    name: String,
    policy: String,
    target: usize,
    /// When its first slot is due.
    phase: u64,
    /// Slots a second.
    rate: f64,
    /// For each run: its class's place, doubled, and one more if slots before it have no record; how many those are,
    /// if so; how many slots.
    runs: String,
    /// `[from, to, median, p99, longest]` of the latency of healthy answers.
    latency: Vec<[u64; 5]>,
    /// `[from, to, median, p99, longest]` of how late probes were sent.
    lateness: Vec<[u64; 5]>,
    blind: Vec<[u64; 2]>,
    /// The row of its first outage; the others follow.
    first_row: usize,
    outages: Vec<Outage>,
}

/// An outage with its brackets: where they are open, null.
#[derive(Serialize)]
struct Outage {
    from: u64,
    to: u64,
    began: [Option<u64>; 2],
    ended: [Option<u64>; 2],
    said: String,
}

impl Lane {
    /// `rows` are the outages that have a row, in the order of lanes and time.
    pub(super) fn of(record: &Record, seen: &LaneObservations, palette: &[Class], rows: &[OutageId]) -> Self {
        let lane = seen.lane;
        let mine = rows.iter().filter(|row| row.lane == seen.id);
        Self {
            name: sanitize(&record.summary.lane(seen.id).name),
            policy: lane.policy.to_string(),
            target: lane.target.0,
            phase: lane.schedule.due(0).as_nanos(),
            rate: lane.schedule.rate(),
            runs: runs(&seen.timeline, palette),
            latency: curve(&seen.latency_trend),
            lateness: curve(&seen.lateness_trend),
            blind: stretches(&seen.blind),
            first_row: rows.partition_point(|row| row.lane < seen.id),
            outages: mine.map(|row| Outage::of(record.seen.outage(*row))).collect(),
        }
    }
}

impl Outage {
    fn of(outage: &lapse_measure::outage::Outage) -> Self {
        let failed = some(outage.failed, "probe");
        Self {
            from: outage.from.as_nanos(),
            to: outage.to.as_nanos(),
            began: outage::nanoseconds(outage.began.0, Some(outage.began.1)),
            ended: outage::nanoseconds(Some(outage.ended.0), outage.ended.1),
            said: format!("out for {}, {failed} lost: {}", outage.duration(), classes(&outage.classes)),
        }
    }
}

/// Every class that any lane saw, healthy ones first: runs name them by their place here.
pub(super) fn palette(record: &Record) -> Vec<Class> {
    let mut all: Vec<_> = record.seen.lanes.iter().flat_map(|lane| lane.classes.keys().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The word for what a class counts as.
pub(super) const fn health(class: Class) -> &'static str {
    match class.health() {
        Health::Up => "up",
        Health::Slow => "slow",
        Health::Failed => "failed",
        Health::Blind => "blind",
    }
}

/// The longest of the stretches, in the order of time.
pub(super) fn stretches(spans: &Spans) -> Vec<[u64; 2]> {
    let mut all: Vec<Span> = spans.iter().collect();
    if all.len() > BLIND {
        all.sort_by_key(|span| std::cmp::Reverse(span.length()));
        all.truncate(BLIND);
        all.sort_unstable();
    }
    all.iter().map(|span| [span.from.as_nanos(), span.to.as_nanos()]).collect()
}

fn runs(timeline: &Timeline, palette: &[Class]) -> String {
    let (mut pack, mut next) = (Pack::default(), 0);
    for run in timeline.runs() {
        let class = palette.binary_search(&run.class).unwrap_or(0) as u64;
        let skipped = run.slot - next;
        pack.push(class * 2 + u64::from(skipped > 0));
        if skipped > 0 {
            pack.push(skipped);
        }
        pack.push(run.count);
        next = run.last_slot() + 1;
    }
    pack.into_base64()
}

fn curve(trend: &Trend) -> Vec<[u64; 5]> {
    let pulses = trend.pulses().map(|pulse| {
        let [median, p99, longest] = [pulse.median, pulse.p99, pulse.longest].map(nanos);
        [pulse.span.from.as_nanos(), pulse.span.to.as_nanos(), median, p99, longest]
    });
    pulses.collect()
}
