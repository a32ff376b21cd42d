//! Whether a stretch of failures may be as long as it is by chance.
//!
//! A service that loses a constant share of the requests has a longest run of failures, and a longest stretch in which
//! failures are no further apart than the gate, of another length each time it is measured.

use std::time::Duration;

use lapse_measure::binomial::Share;
use lapse_measure::disruption::{Disruption, gate_of};
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage::Outage;
use lapse_measure::span::Span;
use lapse_measure::timeline::Cell;

/// A probability, or an upper bound of one.
type Chance = f64;

/// The chance that failures in a row as many as in `outage` come about by a loss of the share that its surroundings
/// lost: the rest of its disruption, or where that is the outage alone, the rest of the window.
pub(crate) fn of_outage(lane: &LaneObservations, outage: &Outage, window: Span, tail: f64) -> Chance {
    let disruption = lane.disruptions.iter().find(|one| one.from <= outage.from && outage.to <= one.to);
    let (mut failed, mut resolved) = disruption.map_or((0, 0), |one| (one.failed, one.resolved));
    if resolved <= outage.failed {
        let all = Cell::of([&lane.timeline], window.from, window.to);
        (failed, resolved) = (all.failed(), all.resolved());
    }
    let around = Share::with_tail(failed.saturating_sub(outage.failed), resolved.saturating_sub(outage.failed), tail);
    // Each probe may be the first of such a run.
    float(resolved) * around.high.powf(float(outage.failed))
}

/// The chance that a loss as large as in `disruption` leaves a gap longer than the gate in it, which would have made two
/// of it; of one in which every probe failed, the chance of its outage. It is 1 where failures of two kinds are joined: a
/// gap within it is longer than such a loss makes, so that single failures on its way may have decided its length.
pub(crate) fn of_disruption(lane: &LaneObservations, disruption: &Disruption, window: Span, tail: f64) -> Chance {
    let outages = disruption.outages_of(&lane.outages);
    if let ([only], true) = (outages, disruption.failed == disruption.resolved) {
        return of_outage(lane, only, window, tail);
    }
    let schedule = lane.timeline.schedule();
    let slots = |time: Duration| slots(time, schedule.period());
    let share = Share::with_tail(disruption.failed.saturating_sub(1), disruption.resolved.saturating_sub(1), tail);
    let gap = |successes: u32| float(disruption.failed) * (1.0 - share.low).powf(f64::from(successes));
    let between = outages.iter().zip(outages.iter().skip(1)).map(|(one, next)| next.from.since(one.to));
    let longest = between.max().unwrap_or_default();
    if gap(slots(longest).saturating_sub(1)) < tail {
        return 1.0;
    }
    gap(slots(gate_of(lane.gate, schedule)))
}

/// How many slots of this period a time has.
fn slots(time: Duration, period: Duration) -> u32 {
    u32::try_from(time.as_nanos() / period.max(Duration::from_nanos(1)).as_nanos()).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a chance needs no more than 52 bits of a count")]
const fn float(count: u64) -> f64 {
    count as f64
}
