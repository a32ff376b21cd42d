//! What is told one by one where there is no room for all: the longest, in the order of time.

use std::cmp::Reverse;
use std::time::Duration;

use lapse_measure::episode::{self, Episode};
use lapse_measure::outage::Outage;
use lapse_measure::time::Offset;
use lapse_measure::verdict::Case;
use lapse_record::record::Record;

/// Some outages or episodes, each with the place of its lane or target, and those that were left out.
pub(super) struct Longest<T> {
    pub(super) told: Vec<(usize, T)>,
    pub(super) more: Vec<(usize, T)>,
}

impl<'a> Longest<&'a Outage> {
    /// The `most` longest outages of all lanes.
    pub(super) fn outages(record: &'a Record, most: usize) -> Self {
        let lanes = record.seen.lanes.iter().enumerate();
        let all = lanes.flat_map(|(place, lane)| lane.outages.iter().map(move |outage| (place, outage))).collect();
        Self::of(all, most, |outage| (outage.estimate, outage.from))
    }
}

impl Longest<Episode> {
    /// The `most` longest episodes of all targets.
    pub(super) fn episodes(case: Case<'_>, most: usize) -> Self {
        let of_target =
            |target| episode::find(&case.lanes_of(target)).into_iter().map(move |episode| (target, episode));
        let all = (0..case.targets.len()).flat_map(of_target).collect();
        Self::of(all, most, |episode| (episode.span.estimate, episode.from))
    }
}

impl<T> Longest<T> {
    fn of(mut all: Vec<(usize, T)>, most: usize, span: impl Fn(&T) -> (Duration, Offset)) -> Self {
        all.sort_by_key(|(place, one)| {
            let (length, from) = span(one);
            (Reverse(length), from, *place)
        });
        let more = all.split_off(all.len().min(most));
        all.sort_by_key(|(place, one)| (span(one).1, *place));
        Self { told: all, more }
    }
}
