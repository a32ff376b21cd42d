//! When requests were lost, on which lane, at which peer, and how it looked.

use std::time::Duration;

use super::outage;
use super::page::Page;
use crate::longest::{Longest, TargetEpisode};
use crate::words::episode::{HEADING, durations, headline, open, peers, rest, speed};
use crate::words::phrase::lost_between;
use lapse_measure::episode::Episode;
use lapse_measure::lane::LaneId;
use lapse_record::record::Record;

/// Episodes that are shown one by one: the longest.
const SHOWN: usize = 10;
/// The shortest time: probes due at an episode's last failure are in it.
const TICK: Duration = Duration::from_nanos(1);

pub(super) fn write(record: &Record, page: &mut Page) {
    let Longest { shown, more } = Longest::episodes(record, SHOWN);
    if shown.is_empty() {
        return;
    }
    page.heading(HEADING);
    for episode in &shown {
        write_episode(record, *episode, page);
    }
    if !more.is_empty() {
        page.say(2, &rest(&more));
    }
    // A lane with one outage in an episode has it in its row.
    if shown.iter().any(|(_, episode)| episode.outages.len() > episode.lanes.len()) {
        outage::write(record, page);
    }
}

fn write_episode(record: &Record, (target, episode): TargetEpisode<'_>, page: &mut Page) {
    page.say(2, &headline(record, (target, episode)));
    page.table(4, &episode.lanes.keys().map(|lane| row(record, *lane, episode)).collect::<Vec<_>>());
    page.say(4, &format!("reached {}{}", peers(episode), speed(record, episode)));
}

/// What a lane lost in an episode, and for how long.
fn row(record: &Record, lane: LaneId, episode: &Episode) -> Vec<String> {
    let outages = episode.outages.iter().filter(|id| id.lane == lane);
    let outages: Vec<_> = outages.map(|id| record.seen.outage(*id)).collect();
    let lane = record.seen.lane(lane);
    let lost = lost_between(&lane.timeline, episode.from, episode.to + TICK);
    vec![lane.lane.policy.to_string(), durations(&outages), format!("{lost}{}", open(&outages))]
}
