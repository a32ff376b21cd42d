//! Selects the longest disruptions or episodes, for formats that have no room for all of them.

use std::cmp::Reverse;
use std::time::Duration;

use lapse_measure::disruption::Disruption;
use lapse_measure::episode::Episode;
use lapse_measure::observations::LaneObservations;
use lapse_measure::time::Offset;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The longest disruptions or episodes, and the others.
pub(super) struct Longest<T> {
    /// The longest ones, ordered by start.
    pub(super) shown: Vec<T>,
    /// The shorter ones, longest first.
    pub(super) more: Vec<T>,
}

/// An episode with its target.
pub(super) type TargetEpisode<'a> = (&'a TargetSummary, &'a Episode);

/// A disruption of a lane.
pub(super) type LaneDisruption<'a> = (&'a LaneObservations, &'a Disruption);

impl<'a> Longest<LaneDisruption<'a>> {
    /// The `most` longest disruptions of all lanes.
    pub(super) fn disruptions(record: &'a Record, most: usize) -> Self {
        let of_lane = |lane: &'a LaneObservations| lane.disruptions.iter().map(move |one| (lane, one));
        let all = record.seen.lanes.iter().flat_map(of_lane).collect();
        Self::of(all, most, |(_, one)| (one.length().estimate, one.from))
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
    /// Selects the `most` longest of `all`. Ties go to the earlier start, then to the lower lane or target.
    pub(super) fn of(mut all: Vec<T>, most: usize, length_and_start: impl Fn(&T) -> (Duration, Offset)) -> Self {
        all.sort_by_key(|one| {
            let (length, from) = length_and_start(one);
            (Reverse(length), from)
        });
        let more = all.split_off(all.len().min(most));
        all.sort_by_key(|one| length_and_start(one).1);
        Self { shown: all, more }
    }
}
