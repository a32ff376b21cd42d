//! The section on episodes: time span, losses by lane, peers and time to fail of each.

use std::time::Duration;

use super::outage;
use super::page::Page;
use crate::longest::{Longest, TargetEpisode};
use crate::words::episode::{HEADING, durations, headline, open, peers, rest, speed};
use crate::words::phrase::lost_between;
use lapse_measure::episode::Episode;
use lapse_measure::lane::LaneId;
use lapse_record::record::Record;

/// Episodes listed one by one, the longest first to be chosen.
const MAX_EPISODES: usize = 10;
/// Added to the end of an episode, so that the half-open range includes probes due at its last failure.
const TICK: Duration = Duration::from_nanos(1);

pub(super) fn write(record: &Record, page: &mut Page) {
    let Longest { shown, more } = Longest::episodes(record, MAX_EPISODES);
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
    // A lane's only outage in an episode is already in the lane's row.
    if shown.iter().any(|(_, episode)| episode.outages.len() > episode.lanes.len()) {
        outage::write(record, page);
    }
}

fn write_episode(record: &Record, (target, episode): TargetEpisode<'_>, page: &mut Page) {
    page.say(2, &headline(record, (target, episode)));
    page.table(4, &episode.lanes.keys().map(|lane| row(record, *lane, episode)).collect::<Vec<_>>());
    page.say(4, &format!("reached {}{}", peers(episode), speed(record, episode)));
}

/// The cells of a lane in an episode: policy, durations, and lost probes with open sides.
fn row(record: &Record, lane: LaneId, episode: &Episode) -> Vec<String> {
    let outages = episode.outages.iter().filter(|id| id.lane == lane);
    let outages: Vec<_> = outages.map(|id| record.seen.outage(*id)).collect();
    let lane = record.seen.lane(lane);
    let lost = lost_between(&lane.timeline, episode.from, episode.to + TICK);
    vec![lane.lane.policy.to_string(), durations(&outages), format!("{lost}{}", open(&outages))]
}
