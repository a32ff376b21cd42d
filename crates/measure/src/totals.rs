//! The totals of a target, or of one of its lanes, in a window of the run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Class, Health};
use super::availability::{Availability, ratio, share, worst};
use super::brackets::{Brackets, outages_within};
use super::detection::LongestUnseen;
use super::disruption::Certainty;
use super::disruptions::{self, Disruptions};
use super::lane::TargetId;
use super::loss;
use super::observations::{LaneObservations, Observations};
use super::outage::Outage;
use super::span::{Span, Spans};
use super::time::Bounded;
use super::timeline::Cell;

/// The totals of some lanes of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// The time in which any lane had an outage or was slow.
    pub impaired: Bounded,
    /// The time in which every lane was failing at once.
    pub down: Bounded,
    /// Failed slots times period, averaged over the lanes: loss-derived downtime (RFC 6201).
    pub loss_derived: Bounded,
    /// How sure the bounds of `loss_derived` are: where only a share was lost they are those of a sample.
    pub loss_certainty: Certainty,
    /// The lanes' disruptions.
    pub disruptions: Disruptions,
    /// The longest outage of any lane that could have gone unseen.
    pub unseen: LongestUnseen,
    /// The median of what could have gone unseen, on the lane where it is longest.
    pub unseen_median: Duration,
    /// The longest strict outage of any lane.
    pub longest: Bounded,
    /// The time in which any lane was slow.
    pub slow: Bounded,
    /// Probes that failed.
    pub failed: u64,
    /// Failed probes that were sent late, while the prober itself was held up.
    pub failed_late: u64,
    /// Failed probes by class.
    pub classes: BTreeMap<Class, u64>,
    /// Probes that came to an answer.
    pub resolved: u64,
    /// Slots due.
    pub due: u64,
    /// Slots that were not sent.
    pub not_sent: u64,
    /// Availability by requests and by time.
    pub availability: Availability,
    /// The time in which any lane, or the prober as a whole, could not see.
    pub blind: Duration,
    /// The time in which a lane did not send although it was to, averaged over the lanes.
    pub unsent: Duration,
    /// The longest stretch of blind time.
    pub longest_blind: Duration,
    /// The smallest outage that the best lane was sure to see.
    pub detection_limit: Duration,
}

/// The totals of a target over what lies in `window`.
pub fn of_target(seen: &Observations, target: TargetId, window: Span) -> Totals {
    of(&seen.lanes_of(target), &seen.held_up, window)
}

/// The totals of these lanes, all of one target, over what lies in `window`; `held_up` is when the
/// prober could not even reach itself. An outage counts in full if it is not over before the window begins.
pub fn of(lanes: &[&LaneObservations], held_up: &Spans, window: Span) -> Totals {
    let outages = || lanes.iter().map(|lane| Brackets::of(lane, outages_within(lane, window), window));
    let slow =
        || lanes.iter().map(|lane| Brackets::of(lane, lane.slow.iter().filter(|slow| slow.to >= window.from), window));
    let impaired = Brackets::union(outages().chain(slow()));
    let blind: Spans =
        lanes.iter().flat_map(|lane| lane.blind.iter()).chain(held_up.iter()).collect::<Spans>().within(window);
    let timelines: Vec<_> = lanes.iter().map(|lane| &lane.timeline).collect();
    let cell = Cell::of(timelines.iter().copied(), window.from, window.to);
    let (failed, resolved) = (cell.failed(), cell.resolved());
    let observed = window.length().saturating_sub(blind.length());
    let (loss_derived, loss_certainty) = loss::derived(lanes, window);
    Totals {
        impaired: impaired.length(),
        down: Brackets::intersection(outages()).length(),
        loss_derived,
        loss_certainty,
        disruptions: disruptions::of(lanes, window),
        unseen: longest_unseen(lanes, window),
        unseen_median: lanes.iter().map(|lane| lane.unseen.median()).max().unwrap_or_default(),
        longest: longest(lanes, window),
        slow: Brackets::union(slow()).length(),
        failed,
        failed_late: failed_late(lanes, window).min(failed),
        classes: failed_classes(&cell),
        resolved,
        due: cell.due(),
        not_sent: cell.count(Health::Blind),
        availability: Availability {
            requests: share(failed, resolved),
            time: ratio(impaired.estimate.length(), observed),
            worst_second: worst(&timelines, window, Duration::from_secs(1)),
            worst_minute: worst(&timelines, window, Duration::from_secs(60)),
        },
        blind: blind.length(),
        unsent: unsent(lanes, window),
        longest_blind: blind.longest(),
        detection_limit: lanes.iter().map(|lane| lane.detection_limit()).min().unwrap_or_default(),
    }
}

/// The longest outage of any of these lanes that could have gone unseen; where no lane is, nothing is known of any
/// time.
fn longest_unseen(lanes: &[&LaneObservations], window: Span) -> LongestUnseen {
    let all = lanes.iter().map(|lane| lane.unseen.longest_in(window));
    let none = LongestUnseen { length: window.length(), at: window.from };
    all.reduce(|worst, next| if next.length > worst.length { next } else { worst }).unwrap_or(none)
}

fn failed_late(lanes: &[&LaneObservations], window: Span) -> u64 {
    lanes.iter().flat_map(|lane| outages_within(lane, window)).map(|outage| outage.failed_late).sum()
}

fn unsent(lanes: &[&LaneObservations], window: Span) -> Duration {
    let all: Duration = lanes.iter().map(|lane| lane.blind.within(window).length()).sum();
    all / u32::try_from(lanes.len()).unwrap_or(u32::MAX).max(1)
}

fn failed_classes(cell: &Cell) -> BTreeMap<Class, u64> {
    cell.classes.iter().copied().filter(|(class, _)| class.health() == Health::Failed).collect()
}

fn longest(lanes: &[&LaneObservations], window: Span) -> Bounded {
    let all = || lanes.iter().flat_map(|lane| outages_within(lane, window)).map(Outage::duration);
    let at_most = all().map(|outage| outage.at_most).collect::<Option<Vec<_>>>();
    Bounded::new(
        all().map(|outage| outage.estimate).max().unwrap_or_default(),
        all().map(|outage| outage.at_least).max().unwrap_or_default(),
        at_most.map(|all| all.into_iter().max().unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::notation::seen;
    use super::super::time::Offset;
    use super::*;
    use proptest::prelude::*;

    fn whole(seen: &Observations) -> Totals {
        let lanes: Vec<_> = seen.lanes.iter().collect();
        of(&lanes, &seen.held_up, Span::new(Offset::ZERO, seen.end))
    }

    #[test]
    fn the_worked_example_of_the_definitions() {
        let lane = format!("{}{}{}", ".".repeat(1000), "x".repeat(150), ".".repeat(1000));
        let totals = whole(&seen(&[&lane, &lane]));
        assert_eq!(totals.loss_derived.to_string(), "300 ms (298 to 302)");
        assert_eq!(totals.longest.to_string(), "300 ms (298 to 302)");
        assert_eq!(totals.down.to_string(), "299 ms (297 to 301)");
        assert_eq!(totals.impaired.to_string(), "301 ms (299 to 303)");
        assert_eq!((totals.failed, totals.resolved, totals.detection_limit), (300, 4300, Duration::from_millis(2)));
        assert_eq!((totals.blind, totals.due), (Duration::ZERO, 4300));
    }

    #[test]
    fn half_of_the_requests_failing_is_half_the_downtime_and_never_down() {
        let totals = whole(&seen(&[&".".repeat(400), &format!("..{}..", "x".repeat(200))]));
        assert_eq!(totals.loss_derived.estimate, Duration::from_millis(200));
        assert_eq!(totals.down, Bounded::exact(Duration::ZERO));
    }

    #[test]
    fn what_is_open_has_no_upper_bound() {
        let totals = whole(&seen(&["..x..xxxx"]));
        assert_eq!((totals.longest.at_most, totals.impaired.at_most, totals.loss_derived.at_most), (None, None, None));
        assert_eq!(whole(&seen(&["....."])).longest, Bounded::exact(Duration::ZERO));
    }

    #[test]
    fn a_window_leaves_out_what_is_over() {
        let seen = seen(&["..xx......x..."]);
        let lanes: Vec<_> = seen.lanes.iter().collect();
        let totals = of(&lanes, &Spans::default(), Span::new(Offset::from_millis(5), seen.end));
        assert_eq!((totals.failed, totals.resolved), (1, 9));
        assert_eq!(totals.longest.estimate, Duration::from_millis(1));
    }

    #[test]
    fn slow_impairs_but_does_not_fail() {
        let totals = whole(&seen(&["...ssss..."]));
        assert_eq!((totals.failed, totals.longest.estimate), (0, Duration::ZERO));
        assert_eq!(totals.impaired.estimate, Duration::from_millis(4));
        assert_eq!(totals.slow.estimate, Duration::from_millis(4));
    }

    proptest! {
        #[test]
        fn every_estimate_lies_within_its_bounds(one in "[.xst]{20,60}", other in "[.xst]{20,60}") {
            let totals = whole(&seen(&[&one, &other]));
            for total in [totals.impaired, totals.down, totals.loss_derived, totals.longest] {
                prop_assert!(total.at_least <= total.estimate, "{total:?}");
            }
            prop_assert!(totals.down.estimate <= totals.impaired.estimate);
        }
    }
}
