//! The section on episodes: time span, disruptions and losses by lane, peers and time to fail of each.

use super::disruption;
use super::page::Page;
use crate::longest::{Longest, TargetEpisode};
use crate::words::disruption::{cost, durations, within};
use crate::words::episode::{HEADING, headline, open, peers, rest, speed};
use lapse_measure::episode::Episode;
use lapse_measure::lane::LaneId;
use lapse_record::record::Record;

/// Episodes listed one by one, the longest first to be chosen.
const MAX_EPISODES: usize = 10;

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
    // A lane's only disruption in an episode is already in the lane's row.
    let several = |lane: LaneId, episode: &Episode| within(record.seen.lane(lane), episode).len() > 1;
    if shown.iter().any(|(_, episode)| episode.lanes.keys().any(|lane| several(*lane, episode))) {
        disruption::write(record, page);
    }
}

fn write_episode(record: &Record, (target, episode): TargetEpisode<'_>, page: &mut Page) {
    page.say(2, &headline(record, (target, episode)));
    page.table(4, &episode.lanes.keys().map(|lane| row(record, *lane, episode)).collect::<Vec<_>>());
    page.say(4, &format!("reached {}{}", peers(episode), speed(record, (target, episode))));
}

/// The cells of a lane in an episode: policy, durations, and lost probes with open sides.
fn row(record: &Record, lane: LaneId, episode: &Episode) -> Vec<String> {
    let lane = record.seen.lane(lane);
    let disruptions = within(lane, episode);
    let open = open(disruptions.iter().flat_map(|one| one.outages_of(&lane.outages)));
    vec![lane.lane.policy.to_string(), durations(lane, disruptions), format!("{}{open}", cost(lane, disruptions))]
}
