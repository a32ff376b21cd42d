//! The table of outages, grouped by episode. The link in each row moves the timeline to the outage.

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

/// Outages with a row, the longest ones.
const MAX_ROWS: usize = 500;
/// Outages of an episode that are visible without expanding it, the longest ones.
const MAJOR: usize = 10;
/// Episodes with a heading, the longest ones.
const MAX_EPISODES: usize = 200;

/// Visibility of an outage's row: major rows always, minor ones once the episode is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Major,
    Minor,
}

/// The [`MAX_ROWS`] longest outages, in the order of lanes and time.
pub(super) fn worth_a_row(record: &Record) -> Vec<OutageId> {
    let mut rows = Longest::outages(record, MAX_ROWS).shown;
    rows.sort_unstable();
    rows
}

/// The section with the table; nothing if no probe failed.
pub(super) fn section(record: &Record, rows: &[OutageId]) -> Markup {
    let Longest { shown, more } = Longest::episodes(record, MAX_EPISODES);
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
    let listed: Vec<_> = rows.iter().zip(0_usize..).filter(|(id, _)| inside(id)).collect();
    let more = episode.outages.len().saturating_sub(listed.len()) as u64;
    let mut lengths: Vec<_> = listed.iter().map(|(id, _)| record.seen.outage(**id).estimate).collect();
    lengths.sort_unstable_by_key(|length| Reverse(*length));
    let shortest = lengths.get(MAJOR).copied();
    let weigh = |id: OutageId| match shortest {
        Some(shortest) if record.seen.outage(id).estimate <= shortest => Weight::Minor,
        _ => Weight::Major,
    };
    let minors = listed.iter().filter(|(id, _)| weigh(**id) == Weight::Minor).count() as u64;
    html! {
        tbody {
            tr.episode {
                th colspan="5" scope="rowgroup" {
                    a href=(window(episode.from, episode.to)) { (sanitize(&target.name)) ": " (moment(episode.from)) (until) }
                    ", " (sanitize(&words::since(record, episode))) "; " (lost(episode.failed, episode.total))
                    span.meaning { "reached " (words::peers(episode)) (words::speed(record, episode)) }
                }
            }
            @for (id, nth) in &listed { (row(record, **id, *nth, weigh(**id))) }
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

/// The URL fragment of a view with `[from, to]` in the middle and a third of its length on either side, but at least
/// 10 ms.
pub(super) fn window(from: Offset, to: Offset) -> String {
    let around = (to.since(from) / 3).max(Duration::from_millis(10));
    let ms = |at: Offset| format!("{}.{:03}", at.as_nanos() / 1_000_000, at.as_nanos() / 1000 % 1000);
    format!("#from={}&to={}", ms(from.back(around)), ms(to + around))
}

/// A bracket for the script, in nanoseconds; an open side is null.
pub(super) fn nanoseconds(from: Option<Offset>, to: Option<Offset>) -> [Option<u64>; 2] {
    [from.map(Offset::as_nanos), to.map(Offset::as_nanos)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_shows_the_outage_with_a_margin() {
        let window = window(Offset::from_millis(2000), Offset::from_millis(2298));
        assert_eq!(window, "#from=1900.666&to=2397.333");
        assert_eq!(super::window(Offset::ZERO, Offset::ZERO), "#from=0.000&to=10.000");
    }
}
