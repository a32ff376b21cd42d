//! One episode: when, how long, which lanes, and what they saw.

use std::time::Duration;

use super::look::{Ink, Page};
use super::words::{classes, count};
use crate::measure::episode::Episode;
use crate::measure::fold::LaneSeen;
use crate::measure::outage::{Open, Outage};
use crate::measure::phase::Phase;
use crate::measure::time::{Bounded, Human, Offset};
use crate::report::date;
use crate::run::record::Record;

/// Peers that are named.
const PEERS: usize = 3;

pub(super) fn write(record: &Record, target: usize, episode: &Episode, page: &mut Page) {
    let anchor = record.about.anchor;
    let (from, to) = (date::time(anchor, episode.from), date::time(anchor, episode.to));
    let when = format!("{from} to {to} UTC, {}", relative(record, episode.from));
    let when = page.paint(&when, Ink::Strong);
    page.line(&format!("  {when}"));
    page.item("lasted", &format!("{}, {} of {} failed", episode.span, episode.failed, count(episode.total, "probe")));
    let names = record.about.names();
    for (place, lane) in record.case(&names).lanes_of(target) {
        let failed = episode.lanes.get(&place).copied().unwrap_or(0);
        let text = if failed == 0 { "lost none".to_owned() } else { of_lane(episode, place, lane, failed) };
        page.item(&record.lanes[place].policy.to_string(), &text);
    }
    fingerprint(episode, page);
}

fn of_lane(episode: &Episode, place: usize, lane: &LaneSeen, failed: u64) -> String {
    let outages: Vec<_> =
        episode.outages.iter().filter(|(of, _)| *of == place).filter_map(|(_, nth)| lane.outages.get(*nth)).collect();
    let longest = outages.iter().max_by_key(|outage| outage.estimate);
    let mut all = std::collections::BTreeMap::new();
    for (class, count) in outages.iter().flat_map(|outage| &outage.classes) {
        *all.entry(*class).or_insert(0) += count;
    }
    let lasted = longest.map(|outage| duration(outage)).unwrap_or_default();
    let lasted = match outages.len() {
        1 => format!("one outage of {lasted}"),
        several => format!("{several} outages, the longest of {lasted}"),
    };
    format!("lost {failed} in {lasted}: {}", classes(&all))
}

fn duration(outage: &Outage) -> String {
    let open = |side: &Open| match side {
        Open::Start => "it was out when the run began",
        Open::End => "it was out when the run ended",
        Open::BlindBefore => "its beginning was not seen",
        Open::BlindAfter => "its end was not seen",
    };
    let why: Vec<_> = outage.open.iter().map(open).collect();
    let bounded: Bounded = outage.duration();
    if why.is_empty() { bounded.to_string() } else { format!("{bounded}, {}", why.join(", ")) }
}

/// How long the failed ones took, and whom they had reached.
fn fingerprint(episode: &Episode, page: &mut Page) {
    let (Some(half), Some(longest)) = (episode.time_to_fail.quantile(0.5), episode.time_to_fail.longest()) else {
        return;
    };
    let mut peers: Vec<_> = episode.peers.iter().filter_map(|(peer, count)| Some(((*peer)?, *count))).collect();
    peers.sort_by_key(|(peer, count)| (std::cmp::Reverse(*count), *peer));
    let mut named: Vec<_> = peers.iter().take(PEERS).map(|(peer, count)| format!("{peer} ({count})")).collect();
    if peers.len() > PEERS {
        named.push(count((peers.len() - PEERS) as u64, "other"));
    }
    let at = if named.is_empty() { String::new() } else { format!("; at {}", named.join(", ")) };
    let text = format!("half of them within {}, the last after {}{at}", Human(half), Human(longest));
    page.item("failed", &text);
}

/// When that was, for those who were there: counted from what they did.
fn relative(record: &Record, at: Offset) -> String {
    let after = |since: Offset, what: &str| format!("{} after {what}", Human(at.since(since)));
    let act = record.acts.iter().rev().find(|act| act.span.from <= at);
    let started = record.command.as_ref().and_then(|command| command.started);
    let event = record.seen.phases.spans(record.seen.end).find(|(phase, _)| *phase == Phase::Event);
    match (act, started, event) {
        (Some(act), _, _) => after(act.span.from, &format!("\"{}\" began", act.name)),
        (None, Some(started), _) if at >= started => after(started, "the command began"),
        (None, Some(started), _) => format!("{} before the command began", Human(started.since(at))),
        (None, None, Some((_, span))) if span.from > Offset::ZERO && at >= span.from => {
            after(span.from, "the event began")
        }
        _ => format!("{} after the run began", Human(at.since(Offset::ZERO).max(Duration::ZERO))),
    }
}
