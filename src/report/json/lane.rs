//! What was seen of one lane.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Bounded, Quantiles, classes, ns};
use crate::measure::fold::LaneSeen;
use crate::measure::outage;
use crate::measure::time::{Offset, nanos};
use crate::run::record::Record;

/// What was seen of one lane.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Lane {
    /// `reused` or `new`.
    name: String,
    /// How it came by its connections: `reused` or `new`.
    policy: String,
    /// `http/1.1` or `h2`.
    protocol: String,
    /// Slots due.
    offered: u64,
    /// Slots whose probe was sent.
    sent: u64,
    /// Probes sent more than 1 ms after they were due.
    late: u64,
    /// Probes that came to an answer.
    resolved: u64,
    /// Slots that could not be sent.
    not_sent: u64,
    /// Resolved probes that failed.
    failed: u64,
    /// Probes sent, a second.
    achieved_rate: f64,
    /// Pooled connections found closed before a request was written, and replaced.
    reconnects: u64,
    /// How many slots of each class.
    classes: BTreeMap<String, u64>,
    /// The smallest outage that this lane was sure to see.
    floor_ns: u64,
    /// The time in which it could not see.
    blind_ns: u64,
    /// From due to sent; null if nothing was sent.
    lateness: Option<Quantiles>,
    /// From due to done of healthy answers.
    latency: Option<Quantiles>,
    /// From sent to done of healthy answers.
    sent_to_done: Option<Quantiles>,
    outages: Vec<Outage>,
    /// Slow stretches, bracketed alike.
    slow: Vec<Outage>,
}

/// A maximal run of consecutive failed slots.
#[derive(Debug, Serialize, JsonSchema)]
struct Outage {
    /// When its first failed slot was due.
    from_ns: u64,
    /// When its last failed slot was due.
    to_ns: u64,
    /// It began no earlier than the first of these, null where nothing says, and no later than the second.
    began: (Option<u64>, u64),
    /// It ended no earlier than the first of these, and no later than the second, null where nothing says.
    ended: (u64, Option<u64>),
    duration: Bounded,
    /// How many slots.
    failed: u64,
    classes: BTreeMap<String, u64>,
    /// The sides that nothing bounds: `start`, `end`, `blind-before`, `blind-after`.
    open: Vec<&'static str>,
}

impl Lane {
    pub(super) fn of(record: &Record, place: usize, seen: &LaneSeen) -> Self {
        let (lane, counts) = (record.lanes[place], seen.counts);
        Self {
            name: lane.policy.to_string(),
            policy: lane.policy.to_string(),
            protocol: lane.protocol.to_string(),
            offered: counts.offered,
            sent: counts.sent,
            late: counts.late,
            resolved: counts.resolved,
            not_sent: counts.not_sent,
            failed: counts.failed,
            achieved_rate: rate(counts.sent, record.seen.end),
            reconnects: counts.reconnects,
            classes: classes(&seen.classes),
            floor_ns: nanos(seen.floor()),
            blind_ns: ns(seen.blind.length()),
            lateness: Quantiles::of(&seen.lateness),
            latency: Quantiles::of(&seen.latency_overall()),
            sent_to_done: Quantiles::of(&seen.trip),
            outages: seen.outages.iter().map(Outage::of).collect(),
            slow: seen.slow.iter().map(Outage::of).collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate(sent: u64, length: Offset) -> f64 {
    let seconds = length.since(Offset::ZERO).as_secs_f64();
    if seconds > 0.0 { sent as f64 / seconds } else { 0.0 }
}

impl Outage {
    fn of(outage: &outage::Outage) -> Self {
        Self {
            from_ns: outage.from.as_nanos(),
            to_ns: outage.to.as_nanos(),
            began: (outage.began.0.map(Offset::as_nanos), outage.began.1.as_nanos()),
            ended: (outage.ended.0.as_nanos(), outage.ended.1.map(Offset::as_nanos)),
            duration: outage.duration().into(),
            failed: outage.failed,
            classes: classes(&outage.classes),
            open: outage.open.iter().map(|side| side.name()).collect(),
        }
    }
}
