use super::super::disruptions;
use super::super::notation::{schedule, seen};
use super::super::observations::Observations;
use super::super::span::Span;
use super::super::totals;
use super::*;

/// A small generator of its own: the trials are the same on every machine.
pub(super) struct Xorshift(pub(super) u64);

impl Xorshift {
    /// A number from 0 up to, not including, 1.
    pub(super) fn chance(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / 4_294_967_296.0
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u32) -> usize {
        let high = u32::try_from(self.0 >> 32).unwrap();
        self.chance();
        usize::try_from((u64::from(high) * u64::from(end)) >> 32).unwrap()
    }
}

/// The disruptions of the only lane.
fn found(seen: &Observations) -> Vec<Disruption> {
    let lane = &seen.lanes[0];
    find(&lane.timeline, &lane.outages, lane.gate)
}

fn whole(seen: &Observations) -> Span {
    Span::new(Offset::ZERO, seen.end)
}

/// A lane at 1000/s that loses `share` of its probes for `length` ms, with 320 ms before and after.
fn lossy(share: f64, length: usize, random: &mut Xorshift) -> Observations {
    let around = ".".repeat(320);
    let lost: String = (0..length).map(|_| if random.chance() < share { 'x' } else { '.' }).collect();
    seen(&[&format!("{around}{lost}{around}")])
}

fn holds(bounds: Bounded, truth: f64) -> bool {
    let at_most = bounds.at_most.map_or(f64::INFINITY, |at_most| at_most.as_secs_f64());
    (bounds.at_least.as_secs_f64()..=at_most).contains(&(truth / 1e3))
}

#[test]
fn two_of_five_lost_for_two_seconds_is_one_disruption() {
    let seen = lossy(0.4, 2_000, &mut Xorshift(7));
    let all = disruptions::of(&[&seen.lanes[0]], whole(&seen));
    assert_eq!((all.count, all.gate), (1, GATE));
    let longest = all.longest.unwrap();
    assert_eq!(longest.certainty, Certainty::Confidence95);
    assert!((0.38..0.42).contains(&longest.lost.estimate) && longest.lost.high - longest.lost.low < 0.05);
    let length = longest.length();
    assert!(holds(length, 2_000.0) && length.at_least > Duration::from_millis(1_980), "{length}");
    assert!(length.at_most.unwrap() < Duration::from_millis(2_020), "{length}");
    let totals = totals::of(&[&seen.lanes[0]], &seen.held_up, whole(&seen));
    assert_eq!(totals.loss_certainty, Certainty::Confidence95);
    assert!(holds(totals.loss_derived, 800.0), "{}", totals.loss_derived);
    let width = totals.loss_derived.at_most.unwrap().saturating_sub(totals.loss_derived.at_least);
    assert!(width < Duration::from_millis(95), "{width:?}");
}

#[test]
fn a_strict_outage_is_a_disruption_with_the_same_hard_bounds() {
    let seen = seen(&[&format!("{}{}{}", ".".repeat(400), "x".repeat(300), ".".repeat(400))]);
    let found = found(&seen);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].length(), seen.lanes[0].outages[0].duration());
    assert_eq!((found[0].certainty, found[0].failed, found[0].resolved), (Certainty::Certain, 300, 300));
    assert_eq!(totals::of(&[&seen.lanes[0]], &seen.held_up, whole(&seen)).loss_certainty, Certainty::Certain);
}

#[test]
fn failures_further_apart_than_the_gate_are_two_disruptions() {
    let apart = |quiet: usize| {
        let seen = seen(&[&format!("{0}x{1}x{0}", ".".repeat(400), ".".repeat(quiet))]);
        found(&seen).len()
    };
    assert_eq!((apart(299), apart(300)), (1, 2));
}

#[test]
fn a_gate_below_what_the_rate_resolves_is_three_periods() {
    let mut seen = seen(&["..x.x...x.."]);
    seen.lanes[0].gate = Duration::ZERO;
    assert_eq!(gate_of(seen.lanes[0].gate, &schedule()), schedule().time_of(3));
    let found: Vec<_> = found(&seen).iter().map(|one| (one.failed, one.resolved)).collect();
    assert_eq!(found, [(2, 3), (1, 1)]);
}

#[test]
fn an_edge_where_everything_failed_keeps_its_hard_bound_and_a_ragged_one_does_not() {
    let ragged = "..x..x...x.x..x..x...x.x...x".repeat(4);
    let seen = seen(&[&format!("{0}{1}{ragged}{0}", ".".repeat(400), "x".repeat(100))]);
    let found = found(&seen).remove(0);
    assert_eq!(found.began.0, Some(Offset::from_millis(399)));
    assert!(found.ended.1.unwrap() > found.to + Duration::from_millis(2), "{found:?}");
}

#[test]
fn an_edge_that_the_run_cut_off_is_open() {
    let seen = seen(&["..x.x..x.x.."]);
    let found = found(&seen).remove(0);
    assert_eq!((found.began.0, found.ended.1, found.length().at_most), (None, None, None));
}

#[test]
fn disruptions_are_counted_summed_and_averaged() {
    let quiet = ".".repeat(400);
    let seen = seen(&[&format!("{quiet}xxxx{quiet}xx{quiet}")]);
    let all = disruptions::of(&[&seen.lanes[0]], whole(&seen));
    assert_eq!(all.count, 2);
    let said = [all.longest_length, all.shortest_length, all.total, all.average].map(|length| length.to_string());
    assert_eq!(
        said,
        ["4.00 ms (3.00 to 5.00)", "2.00 ms (1.00 to 3.00)", "6.00 ms (4.00 to 8.00)", "3.00 ms (2.00 to 4.00)"]
    );
    let nothing = disruptions::of(&[&seen.lanes[0]], Span::new(Offset::ZERO, Offset::from_millis(300)));
    assert_eq!((nothing.count, nothing.longest_length), (0, Bounded::exact(Duration::ZERO)));
}

#[test]
fn a_target_has_the_disruptions_of_its_lanes_joined_and_what_all_lanes_lost_in_them() {
    let quiet = ".".repeat(200);
    // Slots of a lane are 2 ms apart: the second lane fails 200 ms after the first one did, and again much later.
    let first = format!("{quiet}{}{quiet}{quiet}{quiet}{quiet}", "x".repeat(100));
    let second = format!("{quiet}{quiet}{}{quiet}{quiet}{quiet}x", "x".repeat(50));
    let seen = seen(&[&first, &second]);
    let lanes: Vec<_> = seen.lanes.iter().collect();
    let merged = disruptions::merged(&lanes);
    let told: Vec<_> = merged.iter().map(|one| (one.failed, one.resolved)).collect();
    assert_eq!(told, [(150, 500), (1, 1)]);
    assert_eq!(merged[0].length().to_string(), "501 ms (499 to 503)");
    assert_eq!((merged[0].certainty, merged[0].lost.estimate), (Certainty::Certain, 0.3));
}
