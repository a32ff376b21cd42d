//! What the disruptions of some lanes come to in a window of the run: how many, the longest, the shortest, all together.

use std::time::Duration;

use super::disruption::{Disruption, gate_of};
use super::observations::LaneObservations;
use super::span::Span;
use super::time::Bounded;

/// What the disruptions of some lanes of a target come to.
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
