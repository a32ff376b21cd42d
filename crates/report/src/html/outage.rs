//! Outages, gathered into their episodes: a row each, and each row is a link that moves the timeline to it.
//!
//! What an outage was caused by belongs below its episode's first line, once somebody can say it.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};

use super::sanitize;
use crate::date;
use crate::text::episode as words;
use crate::text::phrase::{Count, classes, lost, some};
use lapse_measure::episode::{self, Episode};
use lapse_measure::outage::Outage;
use lapse_measure::time::Offset;
use lapse_measure::verdict::Case;
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

/// An outage's lane, and its place in the lane's list.
pub(super) type Place = (usize, usize);

/// The outages that get a row, in the order of lanes and time.
pub(super) fn worth_a_row(record: &Record) -> Vec<Place> {
    let of_lane = |lane: usize| (0..record.seen.lanes[lane].outages.len()).map(move |nth| (lane, nth));
    let mut all: Vec<Place> = (0..record.seen.lanes.len()).flat_map(of_lane).collect();
    if all.len() > ROWS {
        all.sort_by_key(|place| Reverse(at(record, *place).estimate));
        all.truncate(ROWS);
        all.sort_unstable();
    }
    all
}

/// The outage there.
pub(super) fn at(record: &Record, (lane, nth): Place) -> &Outage {
    &record.seen.lanes[lane].outages[nth]
}

/// The table; nothing if nothing failed.
pub(super) fn section(record: &Record, case: Case<'_>, rows: &[Place]) -> Markup {
    let of_target = |target: usize| {
        let found = episode::find(&case.lanes_of(target));
        found.into_iter().map(move |episode| (target, episode))
    };
    let mut all: Vec<_> = (0..case.targets.len()).flat_map(of_target).collect();
    all.sort_by_key(|(target, episode)| (Reverse(episode.span.estimate), episode.from, *target));
    let more = all.split_off(all.len().min(EPISODES));
    all.sort_by_key(|(target, episode)| (episode.from, *target));
    html! {
        @if !all.is_empty() {
            section #outages {
                h2 { "Outages" }
                div.scroll tabindex="0" role="group" aria-label="Outages" {
                    table {
                        thead { tr { @for name in ["began, UTC", "lane", "lasted", "lost", "how"] { th scope="col" { (name) } } } }
                        @for (target, episode) in &all { (tell(record, case, (*target, episode), rows)) }
                    }
                }
                @if !more.is_empty() {
                    p.remarks { "and " (some(more.len() as u64, "shorter episode")) }
                }
            }
        }
    }
}

fn tell(record: &Record, case: Case<'_>, (target, episode): (usize, &Episode), rows: &[Place]) -> Markup {
    let moment = |at: Offset| date::moment(record.about.anchor, at);
    let until = if episode.to > episode.from { format!(" to {}", moment(episode.to)) } else { String::new() };
    let inside = |place: &Place| {
        let from = at(record, *place).from;
        record.lanes[place.0].target == target && episode.from <= from && from <= episode.to
    };
    let told: Vec<_> = rows.iter().zip(0_usize..).filter(|(place, _)| inside(place)).collect();
    let more = episode.outages.len().saturating_sub(told.len()) as u64;
    let mut lengths: Vec<_> = told.iter().map(|(place, _)| at(record, **place).estimate).collect();
    lengths.sort_unstable_by_key(|length| Reverse(*length));
    let shortest = lengths.get(MAJOR).copied();
    let weigh = |place: Place| match shortest {
        Some(shortest) if at(record, place).estimate <= shortest => Weight::Minor,
        _ => Weight::Major,
    };
    let minors = told.iter().filter(|(place, _)| weigh(**place) == Weight::Minor).count() as u64;
    html! {
        tbody {
            tr.episode {
                th colspan="5" scope="rowgroup" {
                    a href=(window(episode.from, episode.to)) { (sanitize(&case.targets[target])) ": " (moment(episode.from)) (until) }
                    ", " (sanitize(&words::since(record, episode))) "; " (lost(episode.failed, episode.total))
                    span.meaning { "reached " (words::peers(episode)) (words::speed(record, episode)) }
                }
            }
            @for (place, nth) in &told { (row(record, **place, *nth, weigh(**place))) }
            @if minors + more > 0 {
                tr { td colspan="5" { button.more type="button" aria-expanded="false" { (some(minors + more, "shorter outage")) } } }
            }
            @if more > 0 {
                tr.minor { td colspan="5" { "and " (Count(more).to_string()) " more, which have no row here: report.json has them all" } }
            }
        }
    }
}

fn row(record: &Record, place: Place, nth: usize, weight: Weight) -> Markup {
    let outage = at(record, place);
    html! {
        tr.minor[weight == Weight::Minor] data-outage=(nth) {
            td { a href=(window(outage.from, outage.to)) { (date::moment(record.about.anchor, outage.from)) } }
            td { (record.lanes[place.0].policy.to_string()) }
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
