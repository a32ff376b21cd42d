//! The held streams of a target.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::figure::Figure;
use lapse_measure::held;
use lapse_measure::held::totals::{self, HeldTotals};
use lapse_measure::span::Span;
use lapse_measure::time::nanos;
use lapse_record::held::HeldPlan;
use lapse_record::record::Record;

/// The streams that were held of a target (`--held`).
#[derive(Serialize, JsonSchema)]
pub(super) struct Held<'a> {
    /// Number of streams that are held at a time.
    places: u32,
    /// How often the service sends a message, as the user says.
    beat_ns: u64,
    /// Path that was asked for; null for that of the target's URL.
    path: Option<&'a str>,
    /// Number of streams whose head came.
    opened: u64,
    /// Number of streams that were open at the end of the run.
    open: u64,
    messages: u64,
    /// Attempts to open a stream that failed.
    failed: u64,
    /// Numbers of messages that never came; null if messages carry no numbers.
    lost: Option<u64>,
    /// Messages whose number had come before; null if messages carry no numbers.
    repeated: Option<u64>,
    /// Number of streams open at the end, by the backend that their head named; `unnamed` for those that name none.
    landed: BTreeMap<&'a str, u64>,
    /// Figures of the whole run.
    whole: Figures,
    /// Figures from the beginning of the event on, which budgets limit.
    judged: Figures,
    /// Streams in the order in which they ended.
    streams: Vec<Stream<'a>>,
    /// Number of streams that were not kept.
    left_out: u64,
}

/// Figures of a stretch of the run.
#[derive(Serialize, JsonSchema)]
struct Figures {
    /// Number of drops by how: `ended`, `fin`, `truncated`, `reset`, `broken`.
    drops: BTreeMap<&'static str, u64>,
    /// Number of places that had a drop.
    places_dropped: u64,
    /// Number of drops after which no message came.
    not_back: u64,
    /// Longest stretch without a message in any place; null if no stream was asked for.
    silence: Option<Silence>,
    /// Largest number of streams that were asked for again within 10 ms.
    herd: u64,
    /// When the first of these was; null if there was none.
    herd_at_ns: Option<u64>,
    /// Median time from a drop to the first message of the stream that took its place; null if there was none.
    back_median: Option<Figure>,
    /// Longest such time.
    back_longest: Option<Figure>,
    /// Median time from the head of a stream to its drop; null if there was none.
    age_median: Option<Figure>,
}

/// A stretch without a message.
#[derive(Serialize, JsonSchema)]
struct Silence {
    place: u32,
    from_ns: u64,
    to_ns: u64,
    duration: Figure,
}

/// A held stream.
#[derive(Serialize, JsonSchema)]
struct Stream<'a> {
    place: u32,
    asked_ns: u64,
    /// When its head was complete; null if it was never opened.
    opened_ns: Option<u64>,
    first_message_ns: Option<u64>,
    last_message_ns: Option<u64>,
    /// When it was dropped, or the end of the run.
    end_ns: u64,
    /// Earliest instant at which that can have been.
    end_after_ns: u64,
    /// How it was dropped; null if it was not.
    dropped: Option<&'static str>,
    messages: u64,
    /// Attempts that failed before it was opened.
    failed: u64,
    /// How the last of these failed, as a class.
    failed_as: Option<&'a str>,
    backend: Option<&'a str>,
}

impl<'a> Held<'a> {
    pub(super) fn of(record: &'a Record, plan: &'a HeldPlan, held: &'a totals::Held) -> Self {
        let delivery = held.delivery();
        let landed = held.landed().into_iter().map(|(name, count)| (name.unwrap_or("unnamed"), count));
        let figures = |span: Span| Figures::of(&held.totals(span));
        Self {
            places: held.places,
            beat_ns: nanos(plan.beat),
            path: plan.path.as_deref(),
            opened: held.opened(),
            open: held.open(),
            messages: held.messages(),
            failed: held.failed().0,
            lost: delivery.map(|delivery| delivery.lost),
            repeated: delivery.map(|delivery| delivery.repeated),
            landed: landed.collect(),
            whole: figures(record.whole()),
            judged: figures(record.seen.phases.judged(record.seen.end)),
            streams: held.streams.iter().map(Stream::of).collect(),
            left_out: held.left_out,
        }
    }
}

impl Figures {
    fn of(totals: &HeldTotals) -> Self {
        let (backs, ages) = (totals.backs(), totals.ages());
        let median = |sorted: &[lapse_measure::time::Bounded]| {
            sorted.get(sorted.len().saturating_sub(1) / 2).copied().map(Figure::from)
        };
        Self {
            drops: totals.by_how.iter().map(|(how, count)| (how.name(), *count)).collect(),
            places_dropped: totals.places_dropped,
            not_back: totals.not_back(),
            silence: totals.silence.map(|silence| Silence {
                place: silence.place,
                from_ns: silence.gap.from.read.as_nanos(),
                to_ns: silence.gap.to.read.as_nanos(),
                duration: silence.gap.length().into(),
            }),
            herd: totals.herd.map_or(0, |(count, _)| count),
            herd_at_ns: totals.herd.map(|(_, at)| at.as_nanos()),
            back_median: median(&backs),
            back_longest: backs.last().copied().map(Figure::from),
            age_median: median(&ages),
        }
    }
}

impl<'a> Stream<'a> {
    fn of(stream: &'a held::Stream) -> Self {
        let read = |arrival: Option<held::Arrival>| arrival.map(|arrival| arrival.read.as_nanos());
        Self {
            place: stream.place,
            asked_ns: stream.asked.as_nanos(),
            opened_ns: read(stream.opened),
            first_message_ns: read(stream.first),
            last_message_ns: read(stream.last),
            end_ns: stream.end.read.as_nanos(),
            end_after_ns: stream.end.after.as_nanos(),
            dropped: stream.dropped.map(held::Drop::name),
            messages: stream.messages,
            failed: stream.failed,
            failed_as: stream.failed_as.as_deref(),
            backend: stream.backend.as_deref(),
        }
    }
}
