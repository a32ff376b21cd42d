//! The totals of the disruptions of some lanes in a window of the run: number, longest, shortest, sum.

use std::time::Duration;

use super::disruption::{Disruption, gate_of, share_lost};
use super::observations::LaneObservations;
use super::span::Span;
use super::time::Bounded;
use super::timeline::Cell;

/// The totals of the disruptions of some lanes of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Disruptions {
    /// The gate time that holds for each of these lanes.
    pub gate: Duration,
    /// How many there were.
    pub count: usize,
    /// The longest one.
    pub longest: Option<Disruption>,
    /// How long the longest was; zero where there is none.
    pub longest_length: Bounded,
    /// How long the shortest was; zero where there is none.
    pub shortest_length: Bounded,
    /// How long all of them were together, over all lanes.
    pub total: Bounded,
    /// How long one was on average.
    pub average: Bounded,
}

/// The disruptions of these lanes that are not over before `window` begins nor begin after it ends.
pub fn of(lanes: &[&LaneObservations], window: Span) -> Disruptions {
    let all: Vec<_> = lanes.iter().flat_map(|lane| within(lane, window)).collect();
    let lengths: Vec<_> = all.iter().map(|one| one.length()).collect();
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
    let plus = |left: Bounded, right: &Bounded| Bounded {
        estimate: left.estimate + right.estimate,
        at_least: left.at_least + right.at_least,
        at_most: left.at_most.zip(right.at_most).map(|(left, right)| left + right),
    };
    let total = lengths.iter().fold(Bounded::exact(Duration::ZERO), plus);
    Disruptions {
        gate: lanes.iter().map(|lane| gate_of(lane.gate, lane.timeline.schedule())).max().unwrap_or_default(),
        count: all.len(),
        longest_length: longest(&lengths),
        shortest_length: shortest(&lengths),
        total,
        average: Bounded {
            estimate: total.estimate / count,
            at_least: total.at_least / count,
            at_most: total.at_most.map(|at_most| at_most / count),
        },
        longest: all.into_iter().max_by_key(|one| (one.length().estimate, one.length().at_least)).cloned(),
    }
}

/// The disruptions of a target that has these lanes, in the order of time: those of its lanes, joined where they are no
/// further apart than the longest gate. What was lost in one is counted over all lanes.
pub fn merged(lanes: &[&LaneObservations]) -> Vec<Disruption> {
    let gate = lanes.iter().map(|lane| gate_of(lane.gate, lane.timeline.schedule())).max().unwrap_or_default();
    let mut all: Vec<_> = lanes.iter().flat_map(|lane| &lane.disruptions).cloned().collect();
    all.sort_by_key(|one| (one.from, one.to));
    let mut merged: Vec<Disruption> = Vec::new();
    for one in all {
        match merged.last_mut() {
            Some(last) if one.from.since(last.to) <= gate => join(last, &one),
            _ => merged.push(one),
        }
    }
    for one in &mut merged {
        let cells: Vec<_> = lanes.iter().map(|lane| one.cell_of(&lane.timeline)).collect();
        one.failed = cells.iter().map(Cell::failed).sum();
        one.resolved = cells.iter().map(Cell::resolved).sum();
        one.lost = share_lost(one.failed, one.resolved);
    }
    merged
}

fn join(one: &mut Disruption, next: &Disruption) {
    let end = (one.from + one.estimate).max(next.from + next.estimate);
    one.estimate = end.since(one.from);
    one.to = one.to.max(next.to);
    one.began = (one.began.0.zip(next.began.0).map(|(a, b)| a.min(b)), one.began.1.min(next.began.1));
    one.ended = (one.ended.0.max(next.ended.0), one.ended.1.zip(next.ended.1).map(|(a, b)| a.max(b)));
    one.reach = Span::new(one.reach.from.min(next.reach.from), one.reach.to.max(next.reach.to));
    one.failed_late += next.failed_late;
    one.certainty = one.certainty.max(next.certainty);
}

/// The disruptions of a lane that touch `window`.
pub(super) fn within(lane: &LaneObservations, window: Span) -> impl Iterator<Item = &Disruption> {
    lane.disruptions.iter().filter(move |one| one.to >= window.from && one.from < window.to)
}

fn longest(lengths: &[Bounded]) -> Bounded {
    let at_most = lengths.iter().map(|length| length.at_most).collect::<Option<Vec<_>>>();
    Bounded::new(
        lengths.iter().map(|length| length.estimate).max().unwrap_or_default(),
        lengths.iter().map(|length| length.at_least).max().unwrap_or_default(),
        at_most.map(|all| all.into_iter().max().unwrap_or_default()),
    )
}

fn shortest(lengths: &[Bounded]) -> Bounded {
    let at_most = lengths.iter().filter_map(|length| length.at_most).min();
    Bounded::new(
        lengths.iter().map(|length| length.estimate).min().unwrap_or_default(),
        lengths.iter().map(|length| length.at_least).min().unwrap_or_default(),
        if lengths.is_empty() { Some(Duration::ZERO) } else { at_most },
    )
}
