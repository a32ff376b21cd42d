//! Availability, by requests and by time, overall and in the worst second and minute.

use std::time::Duration;

use super::answer::Health;
use super::budget::WorstShare;
use super::observations::LaneObservations;
use super::span::Span;
use super::time::Offset;
use super::timeline::Timeline;

/// Availability as shares from 0 to 1; `None` if no probe was resolved or no time was observed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Availability {
    /// By requests: 1 - failed / resolved.
    pub requests: Option<f64>,
    /// By time: 1 - impaired / observed.
    pub time: Option<f64>,
    /// By requests, in the worst second.
    pub worst_second: Option<f64>,
    /// By requests, in the worst minute; over the whole window if it is shorter than that.
    pub worst_minute: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
pub(super) fn share(failed: u64, resolved: u64) -> Option<f64> {
    (resolved > 0).then(|| 1.0 - failed as f64 / resolved as f64)
}

pub(super) fn ratio(impaired: Duration, observed: Duration) -> Option<f64> {
    (!observed.is_zero()).then(|| (1.0 - impaired.as_secs_f64() / observed.as_secs_f64()).max(0.0))
}

/// The lowest availability by requests in any interval of `length`. Only intervals that begin or end with a failed slot
/// are tried: any other one can be moved until it does without losing a failure.
pub(super) fn worst(timelines: &[&Timeline], window: Span, length: Duration) -> Option<f64> {
    let length = length.min(window.length());
    let latest = window.to.back(length);
    let mut starts = vec![window.from];
    for timeline in timelines {
        let due = |slot| timeline.schedule().due(slot);
        for run in timeline.runs().iter().filter(|run| run.class.health() == Health::Failed) {
            starts.extend([due(run.slot), (due(run.last_slot()) + TICK).back(length)]);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let sums: Vec<_> = timelines.iter().map(|timeline| Sums::of(timeline)).collect();
    let availability_from = |start: Offset| {
        let from = start.max(window.from).min(latest);
        let (failed, resolved) =
            sums.iter().map(|sums| sums.between(from, from + length)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        share(failed, resolved)
    };
    starts.into_iter().filter_map(availability_from).reduce(f64::min)
}

/// Widths of which a report has the worst window.
const WIDTHS: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// The largest share of the probes of `lanes` that failed in any stretch of `window`, by the width of the stretch; of
/// widths up to that of the window.
pub fn worst_shares(lanes: &[&LaneObservations], window: Span) -> Vec<WorstShare> {
    let timelines: Vec<_> = lanes.iter().map(|lane| &lane.timeline).collect();
    let share = |width| Some(WorstShare { share: 1.0 - worst(&timelines, window, width)?, width });
    WIDTHS.into_iter().filter(|width| *width <= window.length()).filter_map(share).collect()
}

const TICK: Duration = Duration::from_nanos(1);

/// Running sums over a lane's runs, so that any interval is counted with two look-ups.
struct Sums<'a> {
    timeline: &'a Timeline,
    /// The numbers of failed and of resolved slots before each run.
    before: Vec<(u64, u64)>,
}

impl<'a> Sums<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        let running = timeline.runs().iter().scan((0, 0), |sums, run| {
            let before = *sums;
            sums.0 += if run.class.health() == Health::Failed { run.count } else { 0 };
            sums.1 += if run.class.health() == Health::Blind { 0 } else { run.count };
            Some(before)
        });
        Self { timeline, before: running.collect() }
    }

    fn between(&self, from: Offset, to: Offset) -> (u64, u64) {
        let (end, begin) = (self.until(to), self.until(from));
        (end.0 - begin.0, end.1 - begin.1)
    }

    /// The numbers of failed and of resolved slots due before `at`.
    fn until(&self, at: Offset) -> (u64, u64) {
        let slots = self.timeline.schedule().slots_before(at);
        let runs = self.timeline.runs();
        let Some(last) = runs.partition_point(|run| run.slot < slots).checked_sub(1) else { return (0, 0) };
        let (run, before) = (runs[last], self.before[last]);
        let part = run.count.min(slots - run.slot);
        let failed = if run.class.health() == Health::Failed { part } else { 0 };
        let resolved = if run.class.health() == Health::Blind { 0 } else { part };
        (before.0 + failed, before.1 + resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::lane;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_window_shorter_than_a_minute_is_its_own_worst_minute() {
        let lane = lane("..x.");
        let all = Span::new(Offset::ZERO, Offset::from_millis(4));
        assert_eq!(worst(&[&lane], all, Duration::from_secs(60)), Some(0.75));
        assert_eq!(worst(&[], all, Duration::from_secs(60)), None);
    }

    proptest! {
        #[test]
        fn no_second_has_a_lower_availability_than_the_worst_second(letters in "[.x]{1200,1500}") {
            let slots: Vec<bool> = letters.chars().map(|letter| letter == 'x').collect();
            let most = slots.windows(1000).map(|second| second.iter().filter(|failed| **failed).count()).max().unwrap();
            let most = u32::try_from(most).unwrap();
            let worst = worst(&[&lane(&letters)], Span::new(Offset::ZERO, Offset::from_millis(letters.len() as u64)), Duration::from_secs(1)).unwrap();
            prop_assert!((worst - (1.0 - f64::from(most) / 1000.0)).abs() < 1e-9);
        }
    }
}
