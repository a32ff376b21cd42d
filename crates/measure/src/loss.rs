//! Loss-derived downtime (RFC 6201): the time that the failed probes of some lanes stand for, with bounds.
//!
//! Where every probe failed the bounds are those of outages. Where only a share was lost they are those of a sample:
//! which requests were lost is chance, and another prober would have counted others.

use std::time::Duration;

use super::binomial::Share;
use super::brackets::{Brackets, outages_within};
use super::disruption::{Certainty, Disruption};
use super::disruptions;
use super::observations::LaneObservations;
use super::span::Span;
use super::time::Bounded;
use super::timeline::Cell;

/// The loss-derived downtime in `window`, averaged over the lanes, and the certainty of its bounds.
pub(super) fn derived(lanes: &[&LaneObservations], window: Span) -> (Bounded, Certainty) {
    let count = u32::try_from(lanes.len()).unwrap_or(u32::MAX).max(1);
    let (mut estimate, mut at_least, mut at_most) = (Duration::ZERO, Duration::ZERO, Some(Duration::ZERO));
    let mut sample = Sample::default();
    for lane in lanes {
        estimate += lane.timeline.schedule().time_of(Cell::of([&lane.timeline], window.from, window.to).failed());
        let partial: Vec<_> =
            disruptions::within(lane, window).filter(|one| one.certainty == Certainty::Confidence95).collect();
        let whole = outages_within(lane, window).filter(|outage| {
            let before = partial.partition_point(|one| one.from <= outage.from);
            partial[..before].last().is_none_or(|one| one.to < outage.from)
        });
        // Outages that follow each other closely share their outer brackets: these must not be counted twice.
        let whole = Brackets::of(lane, whole, window).length();
        at_least += whole.at_least;
        at_most = at_most.zip(whole.at_most).map(|(sum, next)| sum + next);
        for one in &partial {
            sample.add(lane, one, window);
        }
    }
    if let (Some(lane), true) = (lanes.first(), sample.resolved > 0) {
        let (share, all) =
            (Share::of(sample.failed, sample.resolved), lane.timeline.schedule().time_of(sample.resolved));
        at_least += all.mul_f64(share.low);
        at_most = at_most.filter(|_| !sample.open).map(|sum| sum + all.mul_f64(share.high));
    }
    let certainty = if sample.resolved > 0 { Certainty::Confidence95 } else { Certainty::Certain };
    (Bounded::new(estimate / count, at_least / count, at_most.map(|sum| sum / count)), certainty)
}

/// The probes of the disruptions that cost a share only. They are one sample, over all lanes: shares that differ vary
/// less in their sum than their mean share does.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    failed: u64,
    resolved: u64,
    open: bool,
}

impl Sample {
    fn add(&mut self, lane: &LaneObservations, one: &Disruption, window: Span) {
        // By when slots were due, not by when a failure was answered: one that took 6 s to fail still cost one slot.
        let reach = one.reach.within(window);
        let cell = Cell::of([&lane.timeline], reach.from, reach.to);
        self.failed += cell.failed();
        self.resolved += cell.resolved();
        self.open |= one.length().at_most.is_none();
    }
}
