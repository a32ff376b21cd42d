//! One target: its downtime, and each time in which it was not well.

use super::episode;
use super::look::{Ink, Page};
use super::words::{count, percent};
use crate::measure::episode::Episode;
use crate::measure::latency::Distribution;
use crate::measure::time::{Bounded, Human};
use crate::measure::totals::Totals;
use crate::run::record::Record;

/// Episodes that are told; the longest ones.
const TOLD: usize = 10;

pub(super) fn write(record: &Record, place: usize, page: &mut Page) {
    let about = &record.about.targets[place];
    let names = record.about.names();
    let case = record.case(&names);
    let totals = case.totals(place, record.whole());
    page.heading(&about.name, &about.url);
    downtime(&totals, page);
    let episodes = crate::measure::episode::find(&case.lanes_of(place));
    for episode in longest(&episodes) {
        page.gap();
        episode::write(record, place, episode, page);
    }
    if episodes.len() > TOLD {
        page.gap();
        let (more, shown) = (episodes.len() - TOLD, TOLD);
        page.item("", &format!("the {shown} longest episodes are shown; {more} more are in report.json"));
    }
    page.gap();
    latency(record, place, page);
}

fn downtime(totals: &Totals, page: &mut Page) {
    if totals.resolved == 0 {
        page.item("downtime", "unknown: no probe came to an answer");
        return;
    }
    if totals.failed == 0 {
        let text = format!("none seen; whatever lasted longer than {} would have been", Human(totals.floor));
        page.item("downtime", &text);
    } else {
        page.item("downtime", &format!("{}: failed probes times their period", totals.equivalent));
        page.item("longest", &format!("{}: the longest outage of a lane", totals.longest));
        page.item("down", &down(totals.down));
        let failed = format!("{} of {}", totals.failed, count(totals.resolved, "probe"));
        page.item("failed", &format!("{failed}: {}", super::words::classes(&totals.classes)));
    }
    if !totals.slow.estimate.is_zero() {
        page.item("slow", &format!("{}", totals.slow));
    }
    let share = totals.availability;
    if let (Some(requests), Some(second)) = (share.requests, share.worst_second) {
        page.item("available", &format!("{} of requests, {} in the worst second", percent(requests), percent(second)));
    }
    if !totals.blind.is_zero() {
        let text = format!("{}, {} at a stretch: not counted as up", Human(totals.blind), Human(totals.longest_blind));
        page.item("blind", &text);
    }
}

fn down(down: Bounded) -> String {
    if down.estimate.is_zero() && down.at_most.is_some_and(|at_most| at_most.is_zero()) {
        "never: at no time did all lanes fail at once".to_owned()
    } else {
        format!("{down}: all lanes failing at once")
    }
}

/// The longest of them, in the order of time.
fn longest(episodes: &[Episode]) -> Vec<&Episode> {
    let mut all: Vec<_> = episodes.iter().collect();
    all.sort_by_key(|episode| std::cmp::Reverse(episode.span.estimate));
    all.truncate(TOLD);
    all.sort_by_key(|episode| episode.from);
    all
}

fn latency(record: &Record, place: usize, page: &mut Page) {
    let names = record.about.names();
    let lanes = record.case(&names).lanes_of(place);
    for (nth, (phase, _)) in record.seen.phases.spans(record.seen.end).enumerate() {
        let mut all = Distribution::fine();
        lanes.iter().filter_map(|(_, lane)| lane.latency.get(nth)).for_each(|lane| all.add(lane));
        let quantile = |share| all.quantile(share).map(Human);
        if let (Some(median), Some(most), Some(longest)) = (quantile(0.5), quantile(0.99), all.longest().map(Human)) {
            let text = format!("{phase:9} {median} median, {most} p99, {longest} at most");
            let name = if nth == 0 { "latency" } else { "" };
            let line = format!("{:14}{}", format!("  {name}"), page.paint(&text, Ink::Faint));
            page.line(&line);
        }
    }
}
