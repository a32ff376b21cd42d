//! Outages, gathered into their episodes: a row each, and each row is a link that moves the timeline to it.
//!
//! What an outage was caused by belongs below its episode's first line, once somebody can say it.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};

use super::sanitize;
use crate::date;
use crate::longest::{Longest, TargetEpisode};
use crate::words::episode as words;
use crate::words::phrase::{Count, classes, lost, some};
use lapse_measure::outage::OutageId;
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Outages that get a row: the longest.
const ROWS: usize = 500;
/// Outages of an episode that are shown at once: those longer than the next one.
const MAJOR: usize = 10;
/// Episodes that get a heading: the longest.
const EPISODES: usize = 200;

/// Whether a row is shown at once, or when it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Major,
    Minor,
}

/// The outages that get a row, in the order of lanes and time.
pub(super) fn worth_a_row(record: &Record) -> Vec<OutageId> {
    let mut rows = Longest::outages(record, ROWS).shown;
    rows.sort_unstable();
    rows
}

/// The table; nothing if nothing failed.
pub(super) fn section(record: &Record, rows: &[OutageId]) -> Markup {
    let Longest { shown, more } = Longest::episodes(record, EPISODES);
    html! {
        @if !shown.is_empty() {
            section #outages {
                h2 { "Outages" }
                div.scroll tabindex="0" role="group" aria-label="Outages" {
                    table {
                        thead { tr { @for name in ["began, UTC", "lane", "lasted", "lost", "how"] { th scope="col" { (name) } } } }
                        @for episode in &shown { (episode_rows(record, *episode, rows)) }
                    }
                }
                @if !more.is_empty() {
                    p.remarks { "and " (some(more.len() as u64, "shorter episode")) }
                }
            }
        }
    }
}

fn episode_rows(record: &Record, (target, episode): TargetEpisode<'_>, rows: &[OutageId]) -> Markup {
    let moment = |at: Offset| date::moment(record.about.anchor, at);
    let until = if episode.to > episode.from { format!(" to {}", moment(episode.to)) } else { String::new() };
    let inside = |id: &OutageId| {
        let from = record.seen.outage(*id).from;
        target.lanes.contains(&id.lane) && episode.from <= from && from <= episode.to
    };
    let told: Vec<_> = rows.iter().zip(0_usize..).filter(|(id, _)| inside(id)).collect();
    let more = episode.outages.len().saturating_sub(told.len()) as u64;
    let mut lengths: Vec<_> = told.iter().map(|(id, _)| record.seen.outage(**id).estimate).collect();
    lengths.sort_unstable_by_key(|length| Reverse(*length));
    let shortest = lengths.get(MAJOR).copied();
    let weigh = |id: OutageId| match shortest {
        Some(shortest) if record.seen.outage(id).estimate <= shortest => Weight::Minor,
        _ => Weight::Major,
    };
    let minors = told.iter().filter(|(id, _)| weigh(**id) == Weight::Minor).count() as u64;
    html! {
        tbody {
            tr.episode {
                th colspan="5" scope="rowgroup" {
                    a href=(window(episode.from, episode.to)) { (sanitize(&target.name)) ": " (moment(episode.from)) (until) }
                    ", " (sanitize(&words::since(record, episode))) "; " (lost(episode.failed, episode.total))
                    span.meaning { "reached " (words::peers(episode)) (words::speed(record, episode)) }
                }
            }
            @for (id, nth) in &told { (row(record, **id, *nth, weigh(**id))) }
            @if minors + more > 0 {
                tr { td colspan="5" { button.more type="button" aria-expanded="false" { (some(minors + more, "shorter outage")) } } }
            }
            @if more > 0 {
                tr.minor { td colspan="5" { "and " (Count(more).to_string()) " more, which have no row here: report.json has them all" } }
            }
        }
    }
}

fn row(record: &Record, id: OutageId, nth: usize, weight: Weight) -> Markup {
    let outage = record.seen.outage(id);
    html! {
        tr.minor[weight == Weight::Minor] data-outage=(nth) {
            td { a href=(window(outage.from, outage.to)) { (date::moment(record.about.anchor, outage.from)) } }
            td { (record.seen.lane(id.lane).lane.policy.to_string()) }
            td.value { (outage.duration().to_string()) }
            td.value { (Count(outage.failed).to_string()) }
            td { (classes(&outage.classes)) (words::open(&[outage])) }
        }
    }
}

/// A link to a window in which this stretch can be seen with what lies around it.
pub(super) fn window(from: Offset, to: Offset) -> String {
    let around = (to.since(from) / 3).max(Duration::from_millis(10));
    let ms = |at: Offset| format!("{}.{:03}", at.as_nanos() / 1_000_000, at.as_nanos() / 1000 % 1000);
    format!("#from={}&to={}", ms(from.back(around)), ms(to + around))
}

/// A stretch of time, as the script reads it.
pub(super) fn nanoseconds(from: Option<Offset>, to: Option<Offset>) -> [Option<u64>; 2] {
    [from.map(Offset::as_nanos), to.map(Offset::as_nanos)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_shows_what_lies_around() {
        let window = window(Offset::from_millis(2000), Offset::from_millis(2298));
        assert_eq!(window, "#from=1900.666&to=2397.333");
        assert_eq!(super::window(Offset::ZERO, Offset::ZERO), "#from=0.000&to=10.000");
    }
}
