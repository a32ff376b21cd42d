//! Compares measured disruptions with injected losses: how often the bounds of 95 % hold the truth.

use std::time::Duration;

use lapse_lab::fault::Truth;
use lapse_measure::binomial::chance_of_at_least;
use lapse_measure::observations::Observations;
use lapse_measure::span::Span;
use lapse_measure::time::Bounded;
use lapse_measure::totals;

/// The time around a loss that belongs to it: less than half of what lies between two.
const AROUND: Duration = Duration::from_millis(150);
/// A loss of which more than this share was blind on a lane is not judged: most of its probes may be missing.
const BLIND: f64 = 0.1;
/// The chance with which bounds of 95 % miss the truth, at most.
const MISSES: f64 = 0.05;
/// Fewer of the bounds held than chance makes in one of a thousand calibrations: the bounds are wrong.
const BEYOND_CHANCE: f64 = 0.001;

/// How often one kind of bounds held the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The bounds that held the truth.
    pub held: u32,
    /// All bounds, held or not.
    pub all: u32,
}

/// How many bounds of each kind held the truth about the losses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// The share lost, on each lane.
    pub share: Tally,
    /// The length of the disruption, on each lane.
    pub length: Tally,
    /// The loss-derived downtime of the target.
    pub downtime: Tally,
    /// Losses in which the prober was held up.
    pub blind: u32,
}

impl Tally {
    fn add(&mut self, held: bool) {
        self.held += u32::from(held);
        self.all += 1;
    }

    /// The chance that bounds of 95 % hold the truth no more often than these did.
    fn chance(self) -> f64 {
        chance_of_at_least(u64::from(self.all - self.held), u64::from(self.all), MISSES)
    }
}

impl Losses {
    /// The bounds that held the truth less often than chance allows, in words.
    pub(crate) fn objections(&self) -> Vec<String> {
        let all = [("share", self.share), ("length", self.length), ("loss-derived downtime", self.downtime)];
        let wrong = all.into_iter().filter(|(_, tally)| tally.chance() < BEYOND_CHANCE);
        wrong
            .map(|(figure, Tally { held, all })| {
                format!("only {held} of {all} bounds of 95 % of the {figure} held the truth")
            })
            .collect()
    }
}

/// Judges the disruptions on the lanes of one target by the injected losses, given in order.
pub(crate) fn judge(seen: &Observations, truths: &[Truth]) -> Losses {
    let mut losses = Losses::default();
    for truth in truths {
        losses.add(seen, truth);
    }
    losses
}

impl Losses {
    fn add(&mut self, seen: &Observations, truth: &Truth) {
        let around = Span::new(truth.began.0.back(AROUND), truth.ended.1 + AROUND);
        let blind = seen.lanes.iter().map(|lane| &lane.blind).chain([&seen.held_up]);
        if blind.map(|blind| blind.within(around).length()).any(|blind| blind > around.length().mul_f64(BLIND)) {
            self.blind += 1;
            return;
        }
        let (least, most) = (truth.length(), truth.ended.1.since(truth.began.0));
        let mut failed = 0;
        for lane in &seen.lanes {
            let within = lane.disruptions.iter().filter(|one| (around.from..around.to).contains(&one.from));
            let within: Vec<_> = within.collect();
            // Chance may have spared every probe.
            let Some(first) = within.first() else { continue };
            failed += within.iter().map(|one| one.failed).sum::<u64>();
            let one = (within.len() == 1).then_some(first);
            self.share.add(one.is_some_and(|one| (one.lost.low..=one.lost.high).contains(&truth.share)));
            self.length.add(one.is_some_and(|one| holds(one.length(), least, most)));
        }
        if failed > 0 {
            let lanes: Vec<_> = seen.lanes.iter().collect();
            let downtime = totals::of(&lanes, &seen.held_up, around).loss_derived;
            self.downtime.add(holds(downtime, least.mul_f64(truth.share), most.mul_f64(truth.share)));
        }
    }
}

/// Whether bounds hold a truth that lies from `least` to `most`.
fn holds(bounds: Bounded, least: Duration, most: Duration) -> bool {
    bounds.at_least <= most && bounds.at_most.is_none_or(|at_most| least <= at_most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_miss_beyond_chance_are_an_objection() {
        let losses = |held| Losses { share: Tally { held, all: 40 }, ..Losses::default() };
        assert_eq!(losses(40).objections(), Vec::<String>::new());
        // 8 misses of 40 have a chance of 0.0007; 7 of 0.003.
        assert_eq!(losses(33).objections(), Vec::<String>::new());
        assert_eq!(losses(32).objections(), ["only 32 of 40 bounds of 95 % of the share held the truth"]);
        assert_eq!(Losses::default().objections(), Vec::<String>::new());
    }
}
