//! The latency of a lane's healthy answers in the event: median and 99th percentile.
//!
//! Answers that come at the same time are delayed by the same things, so their number says little: all answers of a
//! tenth of a second count as one for the interval, which is that of a quantile of as few independent ones.

use std::time::Duration;

use lapse_measure::binomial::Share;
use lapse_measure::lane::LaneId;
use lapse_measure::latency::Distribution;
use lapse_measure::phase::Phase;
use lapse_measure::time::Bounded;

use crate::figure::{Apart, Change, Doubt, Measure, TimeDifference, Value, Why};
use crate::run::Run;

/// Answers within this time count as one.
const TOGETHER: Duration = Duration::from_millis(100);

/// A quantile of one run's latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    bounds: Bounded,
    /// The same quantile of the delay with which lapse itself sent the probes.
    own_delay: Duration,
}

impl Latency {
    /// The quantile of `lane` in the event, with an interval that leaves `tail` out on either side; `None` if nothing
    /// was answered.
    pub(crate) fn of(run: &Run, lane: LaneId, measure: Measure, tail: f64) -> Option<Self> {
        let quantile = if measure == Measure::P50 { 0.5 } else { 0.99 };
        let seen = run.record.seen.lane(lane);
        let (mut all, mut length) = (Distribution::fine(), Duration::ZERO);
        for (nth, span) in run.spans_of(Phase::Event) {
            seen.latency.get(nth).into_iter().for_each(|latency| all.add(latency));
            length += span.length();
        }
        let independent = u64::try_from(length.as_nanos() / TOGETHER.as_nanos()).unwrap_or(u64::MAX).min(all.count());
        let ranks = Share::with_tail(below(quantile, independent), independent, tail);
        let bound = |rank: f64| all.quantile(rank).unwrap_or_default();
        // Beyond the last answer nothing is known.
        let at_most = (ranks.high < 1.0).then(|| bound(ranks.high));
        Some(Self {
            bounds: Bounded::new(all.quantile(quantile)?, bound(ranks.low), at_most),
            own_delay: seen.lateness.quantile(quantile).unwrap_or_default(),
        })
    }

    pub(crate) const fn value(&self) -> Value {
        Value::Time(self.bounds)
    }

    fn exceeds(&self, other: &Self) -> bool {
        other.bounds.at_most.is_some_and(|at_most| self.bounds.at_least > at_most)
    }

    /// Whether it would exceed the other one if its probes had been sent on time.
    fn exceeds_by_the_service(&self, other: &Self) -> bool {
        let by_the_service = self.bounds.at_least.saturating_sub(self.own_delay);
        other.bounds.at_most.is_some_and(|at_most| by_the_service > at_most)
    }
}

/// Compares a quantile of two runs.
pub(crate) fn compare(base: &Latency, run: &Latency) -> (Apart, Change) {
    let change = |slower: &Latency, faster: &Latency, change: Change| {
        if slower.exceeds_by_the_service(faster) {
            return change;
        }
        let why = "lapse itself sent the probes of the slower one later".to_owned();
        Change::Undecided(Doubt { why, may_be_worse: change == Change::Worse })
    };
    let change = if run.exceeds(base) {
        change(run, base, Change::Worse)
    } else if base.exceeds(run) {
        change(base, run, Change::Better)
    } else {
        Change::NotShown(Why::Overlap)
    };
    (Apart::Time(TimeDifference::of(base.bounds, run.bounds)), change)
}

/// How many of `all` lie below a quantile.
#[expect(clippy::cast_precision_loss, reason = "a rank needs no more than 52 bits")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a count")]
fn below(quantile: f64, all: u64) -> u64 {
    (all as f64 * quantile).round() as u64
}
