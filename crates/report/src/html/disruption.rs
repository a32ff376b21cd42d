//! The table of disruptions, grouped by episode: a row for each, which unfolds to its outages if it has several. The
//! link in each row moves the timeline there.

use std::cmp::Reverse;
use std::time::Duration;

use maud::{Markup, html};

use super::loss::{Kind, Loss};
use super::sanitize;
use crate::date;
use crate::longest::{Longest, TargetEpisode};
use crate::words::disruption::within;
use crate::words::episode as words;
use crate::words::phrase::{lost_share, some};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Disruptions of an episode that are visible without expanding it, the longest ones.
const MAJOR: usize = 10;
/// Episodes with a heading, the longest ones.
const MAX_EPISODES: usize = 200;

/// The section with the table; nothing if no probe failed.
pub(super) fn section(record: &Record, losses: &[Loss<'_>]) -> Markup {
    let Longest { shown, more } = Longest::episodes(record, MAX_EPISODES);
    html! {
        @if !shown.is_empty() {
            section #disruptions {
                h2 { "Disruptions" }
                div.scroll tabindex="0" role="group" aria-label="Disruptions" {
                    table {
                        thead { tr { @for name in ["began, UTC", "lane", "lasted", "lost", "how"] { th scope="col" { (name) } } } }
                        @for episode in &shown { (episode_rows(record, *episode, losses)) }
                    }
                }
                @if !more.is_empty() {
                    p.remarks { "and " (some(more.len() as u64, "shorter episode")) }
                }
            }
        }
    }
}

/// A row with its number, which the script knows it by.
type Numbered<'a> = (usize, &'a Loss<'a>);

fn episode_rows(record: &Record, (target, episode): TargetEpisode<'_>, losses: &[Loss<'_>]) -> Markup {
    let moment = |at: Offset| date::moment(record.about.anchor, at);
    let until = if episode.to > episode.from { format!(" to {}", moment(episode.to)) } else { String::new() };
    let inside = |(_, loss): &Numbered<'_>| {
        target.lanes.contains(&loss.lane.id) && episode.from <= loss.from() && loss.from() <= episode.to
    };
    let rows: Vec<Numbered<'_>> = losses.iter().enumerate().filter(inside).collect();
    let groups: Vec<_> = rows.chunk_by(|(_, one), (_, next)| one.shares_disruption(next)).collect();
    let mut lengths: Vec<_> = groups.iter().map(|group| group[0].1.lasted().estimate).collect();
    lengths.sort_unstable_by_key(|length| Reverse(*length));
    let least = lengths.get(MAJOR).copied();
    let is_minor = |group: &[Numbered<'_>]| least.is_some_and(|least| group[0].1.lasted().estimate <= least);
    let minors = groups.iter().filter(|group| is_minor(group)).count();
    let all: usize = target.lanes.iter().map(|lane| within(record.seen.lane(*lane), episode).len()).sum();
    let more = all.saturating_sub(groups.len());
    html! {
        tbody {
            tr.episode {
                th colspan="5" scope="rowgroup" {
                    a href=(window(episode.from, episode.to)) { (sanitize(&target.name)) ": " (moment(episode.from)) (until) }
                    ", " (sanitize(&words::since(record, episode))) "; " (lost_share(episode.failed, episode.total))
                    span.meaning { "reached " (words::peers(episode)) (words::speed(record, (target, episode))) }
                }
            }
            @for group in groups { (disruption(record, group, is_minor(group))) }
            @if minors + more > 0 {
                tr { td colspan="5" { (fold("shorter", target.id.0, episode.from, &some((minors + more) as u64, "shorter disruption"))) } }
            }
            @if more > 0 { (without_rows(more, "disruption", "minor")) }
        }
    }
}

/// The row of a disruption, and those of its outages if it has several.
fn disruption(record: &Record, rows: &[Numbered<'_>], minor: bool) -> Markup {
    let Some(((nth, loss), parts)) = rows.split_first() else { return html! {} };
    let more = if loss.kind() == Kind::Disruption { loss.outages().len() - parts.len() } else { 0 };
    let class = if minor { "part minor" } else { "part" };
    html! {
        tr class=[minor.then_some("minor")] data-loss=(nth) {
            (cells(record, loss))
            td {
                (loss.classes()) (loss.open())
                @if loss.kind() == Kind::Disruption { ", in " (fold("parts", loss.lane.id.0, loss.from(), &some(loss.outages().len() as u64, "outage"))) }
            }
        }
        @for (nth, part) in parts {
            tr class=(class) data-loss=(nth) { (cells(record, part)) td { (part.classes()) (part.open()) } }
        }
        @if more > 0 { (without_rows(more, "outage", class)) }
    }
}

fn cells(record: &Record, loss: &Loss<'_>) -> Markup {
    html! {
        td { a href=(window(loss.from(), loss.to())) { (date::moment(record.about.anchor, loss.from())) } }
        td { (loss.lane.lane.policy.to_string()) }
        td.value { (loss.lasted().to_string()) }
        td.value { (loss.lost()) }
    }
}

/// A button that shows and hides the rows of what began at `from` on target or lane `of`. A live page finds the button
/// again in its newer version by its id.
fn fold(what: &str, of: usize, from: Offset, label: &str) -> Markup {
    let id = format!("{what}-{of}-{}", from.as_nanos());
    html! { button.fold id=(id) type="button" data-fold=(what) aria-expanded="false" { (label) } }
}

fn without_rows(count: usize, what: &str, class: &str) -> Markup {
    let what = some(count as u64, &format!("shorter {what}"));
    html! { tr class=(class) { td colspan="5" { "and " (what) " without a row here: report.json has them all" } } }
}

/// The URL fragment of a view with `[from, to]` in the middle and a third of its length on either side, but at least
/// 10 ms.
pub(super) fn window(from: Offset, to: Offset) -> String {
    let around = (to.since(from) / 3).max(Duration::from_millis(10));
    let ms = |at: Offset| format!("{}.{:03}", at.as_nanos() / 1_000_000, at.as_nanos() / 1000 % 1000);
    format!("#from={}&to={}", ms(from.back(around)), ms(to + around))
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
