//! Durations of a target: loss-derived downtime, the longest disruption and the longest strict outage.

use std::time::Duration;

use lapse_measure::disruption::Disruption;
use lapse_measure::lane::LaneId;
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage::Outage;
use lapse_measure::time::{Bounded, Human};

use crate::chance;
use crate::figure::{Apart, Change, Doubt, Measure, TimeDifference, Value, Why};
use crate::run::Run;

/// A duration that one run measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length<'a> {
    measure: Measure,
    /// The name of the run.
    run: &'a str,
    bounds: Bounded,
    /// The least that it was without what failed while the prober itself was held up.
    surely: Duration,
    /// The most that it can have been, what went unseen included; `None` if nothing bounds it.
    most: Option<Duration>,
    /// Whether chance would not make it as long.
    is_solid: bool,
}

impl<'a> Length<'a> {
    /// The duration of this kind on these lanes of one target.
    pub(crate) fn of(run: &'a Run, lanes: &[LaneId], measure: Measure, tail: f64) -> Self {
        let (totals, window, seen) = (run.totals(lanes), run.window(), run.lanes(lanes));
        let or_unseen = |bounds: Bounded| bounds.at_most.map(|at_most| at_most.max(totals.unseen.length));
        match measure {
            Measure::Disruption => {
                let bounds = totals.disruptions.longest_length;
                let longest = seen.iter().flat_map(|lane| lane.disruptions.iter().map(move |one| (*lane, one)));
                let touches = |one: &Disruption| one.to >= window.from && one.from < window.to;
                let longest = longest
                    .filter(|(_, one)| touches(one))
                    .max_by_key(|(_, one)| (one.length().estimate, one.length().at_least));
                let chance = longest.map_or(1.0, |(lane, one)| chance::of_disruption(lane, one, window, tail));
                let is_late = longest.is_some_and(|(_, one)| one.failed_late == one.failed);
                Self::new((run, measure), bounds, or_unseen(bounds), is_late, chance < tail)
            }
            Measure::Outage => {
                let longest = longest_outage(&seen, |one| one.to >= window.from && one.from < window.to);
                let chance = longest.map_or(1.0, |(lane, one)| chance::of_outage(lane, one, window, tail));
                let is_late = longest.is_some_and(|(_, one)| one.failed_late == one.failed);
                Self::new((run, measure), totals.longest, or_unseen(totals.longest), is_late, chance < tail)
            }
            _ => {
                let bounds = totals.loss_derived;
                let most = bounds.at_most.map(|at_most| at_most.saturating_add(totals.unsent));
                let period = seen.first().map(|lane| lane.timeline.schedule().period()).unwrap_or_default();
                let count = u32::try_from(seen.len()).unwrap_or(u32::MAX).max(1);
                let late = period.saturating_mul(u32::try_from(totals.failed_late).unwrap_or(u32::MAX)) / count;
                let surely = bounds.at_least.saturating_sub(late);
                Self { surely, ..Self::new((run, measure), bounds, most, false, false) }
            }
        }
    }

    fn new(
        (run, measure): (&'a Run, Measure),
        bounds: Bounded,
        most: Option<Duration>,
        is_late: bool,
        is_solid: bool,
    ) -> Self {
        Self {
            measure,
            run: &run.name,
            bounds,
            surely: if is_late { Duration::ZERO } else { bounds.at_least },
            most,
            is_solid,
        }
    }

    pub(crate) const fn value(&self) -> Value {
        Value::Time(self.bounds)
    }

    /// Whether it was longer than the other, whatever the truth within the bounds of both.
    fn exceeds(&self, other: &Self) -> bool {
        other.bounds.at_most.is_some_and(|at_most| self.bounds.at_least > at_most)
    }

    /// Why it may not have been longer than the other one after all; `None` if it was.
    fn doubt(&self, other: &Self) -> Option<String> {
        if other.most.is_none_or(|most| self.bounds.at_least <= most) {
            let most = other.most.map_or_else(|| "any".to_owned(), |most| format!("up to {}", Human(most)));
            let (measure, run) = (other.measure, other.run);
            return Some(format!("the {measure} of {run} may have been {most}, by what went unseen"));
        }
        let late = other.most.is_some_and(|most| self.surely <= most);
        late.then(|| {
            format!(
                "the {} of {} consists of probes that were sent late, while the prober itself was held up",
                self.measure, self.run
            )
        })
    }
}

fn longest_outage<'a>(
    lanes: &[&'a LaneObservations],
    counts: impl Fn(&Outage) -> bool,
) -> Option<(&'a LaneObservations, &'a Outage)> {
    let all = lanes.iter().flat_map(|lane| lane.outages.iter().map(move |one| (*lane, one)));
    all.filter(|(_, one)| counts(one)).max_by_key(|(_, one)| one.duration().estimate)
}

/// Whether the counts of lost probes show by themselves that the run is worse, or better, than the base.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) worse: bool,
    pub(crate) better: bool,
}

impl Shown {
    /// With what another figure shows, or would show if more had been seen.
    #[must_use]
    pub(crate) fn with(self, apart: &Apart, change: &Change) -> Self {
        if matches!(change, Change::NotShown(_)) {
            return self;
        }
        let is_more = match apart {
            Apart::Share(difference) => difference.estimate > 0.0,
            Apart::Time(difference) => difference.estimate > 0,
        };
        Self { worse: self.worse || is_more, better: self.better || !is_more }
    }
}

/// Compares a duration of two runs. `shown` is what else shows a difference that chance does not explain.
pub(crate) fn compare(base: &Length<'_>, run: &Length<'_>, shown: Shown) -> (Apart, Change) {
    let change = |longer: &Length<'_>, shorter: &Length<'_>, shown: bool, (change, may_be_worse): (Change, bool)| {
        if !(longer.is_solid || shown) {
            return Change::NotShown(Why::Chance);
        }
        longer.doubt(shorter).map_or(change, |why| Change::Undecided(Doubt { why, may_be_worse }))
    };
    let change = if run.exceeds(base) {
        change(run, base, shown.worse, (Change::Worse, true))
    } else if base.exceeds(run) {
        let limit = base.bounds.at_most;
        let may_be_worse = limit.is_some_and(|limit| run.most.is_none_or(|most| most > limit));
        change(base, run, shown.better, (Change::Better, may_be_worse))
    } else {
        Change::NotShown(Why::Overlap)
    };
    (Apart::Time(TimeDifference::of(base.bounds, run.bounds)), change)
}
