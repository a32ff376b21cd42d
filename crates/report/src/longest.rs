//! What is shown one by one where there is no room for all: the longest, in the order of time.

use std::cmp::Reverse;
use std::time::Duration;

use lapse_measure::episode::Episode;
use lapse_measure::outage::OutageId;
use lapse_measure::time::Offset;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The longest of some stretches of time, and those that were left out.
pub(super) struct Longest<T> {
    /// In the order of time.
    pub(super) shown: Vec<T>,
    /// The others, longest first.
    pub(super) more: Vec<T>,
}

/// An episode with its target.
pub(super) type TargetEpisode<'a> = (&'a TargetSummary, &'a Episode);

impl Longest<OutageId> {
    /// The `most` longest outages of all lanes.
    pub(super) fn outages(record: &Record, most: usize) -> Self {
        let of_lane = |lane: &lapse_measure::observations::LaneObservations| {
            let id = lane.id;
            (0..lane.outages.len()).map(move |nth| OutageId { lane: id, nth })
        };
        let all = record.seen.lanes.iter().flat_map(of_lane).collect();
        let length = |id: &OutageId| {
            let outage = record.seen.outage(*id);
            (outage.estimate, outage.from)
        };
        Self::of(all, most, length)
    }
}

impl<'a> Longest<TargetEpisode<'a>> {
    /// The `most` longest episodes of all targets.
    pub(super) fn episodes(record: &'a Record, most: usize) -> Self {
        let all = record.summary.episodes().collect();
        Self::of(all, most, |(_, episode)| (episode.span.estimate, episode.from))
    }
}

impl<T> Longest<T> {
    /// `all` in the order of lanes or targets, which decides between equals.
    fn of(mut all: Vec<T>, most: usize, length_and_start: impl Fn(&T) -> (Duration, Offset)) -> Self {
        all.sort_by_key(|one| {
            let (length, from) = length_and_start(one);
            (Reverse(length), from)
        });
        let more = all.split_off(all.len().min(most));
        all.sort_by_key(|one| length_and_start(one).1);
        Self { shown: all, more }
    }
}
