//! A lane in the script's input: run lengths, latency curves, blind spans, and what has a row in the table of
//! disruptions.

use serde::Serialize;

use super::loss::Loss;
use super::pack::Pack;
use super::sanitize;
use lapse_measure::answer::{Class, Health};
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::{Span, Spans};
use lapse_measure::time::nanos;
use lapse_measure::timeline::Timeline;
use lapse_measure::trend::Trend;
use lapse_record::record::Record;

/// Blind spans drawn, the longest ones. Slots that were not sent are drawn in any case.
const MAX_BLIND_SPANS: usize = 2_000;

/// A lane in the script's input. Times are in nanoseconds.
#[derive(Serialize)]
pub(super) struct Lane {
    name: String,
    policy: String,
    /// Index of the target.
    target: usize,
    /// Offset at which the first slot is due.
    phase: u64,
    /// Slots per second.
    rate: f64,
    /// The packed run lengths. The numbers of each run: twice the index of its class, plus one if slots before it have
    /// no record; the number of those slots, if any; the number of slots in the run.
    runs: String,
    /// Latency of healthy answers, as `[from, to, median, p99, longest]`.
    latency: Vec<[u64; 5]>,
    /// Delay between due and sent, as `[from, to, median, p99, longest]`.
    lateness: Vec<[u64; 5]>,
    /// `[from, to, median, p99, longest]` of how long an outage could have gone unseen.
    unseen: Vec<[u64; 5]>,
    /// Blind spans, as `[from, to]`.
    blind: Vec<[u64; 2]>,
    /// Number of the first loss's table row; the rows of the others follow.
    first_row: usize,
    losses: Vec<Mark>,
}

/// A disruption or an outage with the brackets of its begin and end; an open side is null.
#[derive(Serialize)]
struct Mark {
    /// `disruption` if several outages follow it as `part`, `outage` for one by itself.
    kind: &'static str,
    from: u64,
    to: u64,
    began: [Option<u64>; 2],
    ended: [Option<u64>; 2],
    said: String,
}

impl Lane {
    /// Packs the observations of a lane. `losses` have a row in the table, in the order of lanes and time.
    pub(super) fn of(record: &Record, seen: &LaneObservations, palette: &[Class], losses: &[Loss<'_>]) -> Self {
        let lane = seen.lane;
        let mine = losses.iter().filter(|loss| loss.lane.id == seen.id);
        Self {
            name: sanitize(&record.summary.lane(seen.id).name),
            policy: lane.policy.to_string(),
            target: lane.target.0,
            phase: lane.schedule.due(0).as_nanos(),
            rate: lane.schedule.rate(),
            runs: runs(&seen.timeline, palette),
            latency: curve(&seen.latency_trend),
            lateness: curve(&seen.lateness_trend),
            unseen: curve(&seen.unseen.trend),
            blind: longest_spans(&seen.blind),
            first_row: losses.partition_point(|loss| loss.lane.id < seen.id),
            losses: mine.map(Mark::of).collect(),
        }
    }
}

impl Mark {
    fn of(loss: &Loss<'_>) -> Self {
        Self {
            kind: loss.kind().name(),
            from: loss.from().as_nanos(),
            to: loss.to().as_nanos(),
            began: loss.began(),
            ended: loss.ended(),
            said: loss.said(),
        }
    }
}

/// The classes of all lanes of these records, healthy ones first. Runs refer to them by index.
pub(super) fn palette<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Class> {
    let lanes = records.into_iter().flat_map(|record| &record.seen.lanes);
    let mut all: Vec<_> = lanes.flat_map(|lane| lane.classes.keys().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The health of a class, as the script names it.
pub(super) const fn health(class: Class) -> &'static str {
    match class.health() {
        Health::Up => "up",
        Health::Slow => "slow",
        Health::Failed => "failed",
        Health::Blind => "blind",
    }
}

/// The [`MAX_BLIND_SPANS`] longest of `spans` as `[from, to]`, ordered by time.
pub(super) fn longest_spans(spans: &Spans) -> Vec<[u64; 2]> {
    let mut all: Vec<Span> = spans.iter().collect();
    if all.len() > MAX_BLIND_SPANS {
        all.sort_by_key(|span| std::cmp::Reverse(span.length()));
        all.truncate(MAX_BLIND_SPANS);
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
    let pulses = trend.points().map(|pulse| {
        let [median, p99, longest] = [pulse.median, pulse.p99, pulse.longest].map(nanos);
        [pulse.span.from.as_nanos(), pulse.span.to.as_nanos(), median, p99, longest]
    });
    pulses.collect()
}
