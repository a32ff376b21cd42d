//! The outages that are told one by one where there is no room for all: the longest, in the order of time.

use std::cmp::Reverse;

use crate::measure::outage::Outage;
use crate::run::record::Record;

/// Some outages, each with the place of its lane, and how many were left out.
pub(super) struct Longest<'a> {
    pub(super) told: Vec<(usize, &'a Outage)>,
    pub(super) more: usize,
}

impl<'a> Longest<'a> {
    /// The `most` longest outages of all lanes.
    pub(super) fn of(record: &'a Record, most: usize) -> Self {
        let lanes = record.seen.lanes.iter().enumerate();
        let mut told: Vec<_> =
            lanes.flat_map(|(place, lane)| lane.outages.iter().map(move |outage| (place, outage))).collect();
        told.sort_by_key(|(place, outage)| (Reverse(outage.estimate), outage.from, *place));
        let more = told.split_off(told.len().min(most)).len();
        told.sort_by_key(|(place, outage)| (outage.from, *place));
        Self { told, more }
    }
}
