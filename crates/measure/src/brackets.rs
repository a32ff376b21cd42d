//! Brackets: the time in which lanes were failing or slow as three sets of spans (estimate, lower and upper bound), and
//! their unions and intersections over lanes.

use super::answer::Health;
use super::observations::LaneObservations;
use super::outage::Outage;
use super::span::{Span, Spans};
use super::time::Bounded;
use super::timeline::{Run, Timeline};

/// The strict outages of a lane that overlap `window`.
pub(super) fn outages_within(lane: &LaneObservations, window: Span) -> impl Iterator<Item = &Outage> {
    lane.outages.iter().filter(move |outage| outage.to >= window.from && outage.from < window.to)
}

/// The time in which lanes were failing or slow, as estimated, at least and at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Brackets {
    pub(super) estimate: Spans,
    inner: Spans,
    outer: Spans,
    /// The spans of `outer` that belong to outages with an open side, for which there is no upper bound.
    open: Spans,
}

impl Brackets {
    pub(super) fn of<'a>(lane: &LaneObservations, outages: impl Iterator<Item = &'a Outage>, window: Span) -> Self {
        let period = lane.timeline.schedule().period();
        let outages: Vec<_> = outages.map(|outage| (outage, reach(&lane.timeline, outage, window))).collect();
        Self {
            estimate: outages.iter().map(|(one, _)| Span::new(one.from, one.to + period).within(window)).collect(),
            inner: outages.iter().map(|(one, _)| Span::new(one.began.1, one.ended.0)).collect(),
            outer: outages.iter().map(|(_, reach)| *reach).collect(),
            open: outages.iter().filter(|(one, _)| !one.open.is_empty()).map(|(_, reach)| *reach).collect(),
        }
    }

    pub(super) fn union(all: impl Iterator<Item = Self>) -> Self {
        let join = |left: &Spans, right: &Spans| left.iter().chain(right.iter()).collect();
        all.reduce(|left, right| left.with(&right, join)).unwrap_or_default()
    }

    pub(super) fn intersection(all: impl Iterator<Item = Self>) -> Self {
        all.reduce(|left, right| left.with(&right, Spans::intersection)).unwrap_or_default()
    }

    fn with(&self, other: &Self, join: impl Fn(&Spans, &Spans) -> Spans) -> Self {
        Self {
            estimate: join(&self.estimate, &other.estimate),
            inner: join(&self.inner, &other.inner),
            outer: join(&self.outer, &other.outer),
            open: self.open.iter().chain(other.open.iter()).collect(),
        }
    }

    pub(super) fn length(&self) -> Bounded {
        let open = !self.outer.intersection(&self.open).length().is_zero();
        Bounded::new(self.estimate.length(), self.inner.length(), (!open).then(|| self.outer.length()))
    }
}

/// The outer bounds of an outage. An open side extends to the nearest slot that was up, or to the edge of `window`.
fn reach(timeline: &Timeline, outage: &Outage, window: Span) -> Span {
    let (schedule, runs) = (timeline.schedule(), timeline.runs());
    let up = |run: &&Run| matches!(run.class.health(), Health::Up | Health::Slow);
    let (first, last) = (schedule.slots_before(outage.from), schedule.slots_before(outage.to));
    let (before, after) = (runs.partition_point(|run| run.slot < first), runs.partition_point(|run| run.slot <= last));
    let up_before = || runs[..before].iter().rfind(up).map(|run| schedule.due(run.last_slot()));
    let up_after = || runs[after..].iter().find(up).map(|run| schedule.due(run.slot + 1));
    let from = outage.began.0.or_else(up_before).unwrap_or(window.from);
    Span::new(from, outage.ended.1.or_else(up_after).unwrap_or(window.to))
}
