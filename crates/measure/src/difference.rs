//! The difference of two shares that were counted apart, with its interval.
//!
//! The interval puts those of the two shares together (square and add: Newcombe, *Statistics in Medicine* 17, 1998, his
//! method 10; with any intervals: Zou and Donner, *Statistics in Medicine* 27, 2008). Newcombe's are those of Wilson,
//! which promise too much where few probes fail; these are exact ones, which never do.

use super::binomial::Share;

/// How much larger one share is than another: from -1 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference of the shares that were counted.
    pub estimate: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Difference {
    /// How much larger `share` is than `base`, both with intervals of one confidence, which the result has as well.
    pub fn of(base: Share, share: Share) -> Self {
        let estimate = share.estimate - base.estimate;
        let low = estimate - (share.estimate - share.low).hypot(base.high - base.estimate);
        let high = estimate + (share.high - share.estimate).hypot(base.estimate - base.low);
        Self { estimate, low: low.max(-1.0), high: high.min(1.0) }
    }

    /// Whether the share is larger than the base, whatever chance may have done.
    pub fn is_increase(&self) -> bool {
        self.low > 0.0
    }

    /// Whether the share is smaller than the base, whatever chance may have done.
    pub fn is_decrease(&self) -> bool {
        self.high < 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference((hits, trials): (u64, u64), (more, all): (u64, u64)) -> Difference {
        Difference::of(Share::of(hits, trials), Share::of(more, all))
    }

    #[test]
    fn a_difference_has_the_sign_of_what_was_counted_and_an_interval_around_it() {
        let worse = difference((10, 1_000), (100, 1_000));
        assert!(worse.is_increase() && !worse.is_decrease());
        assert!(worse.low < worse.estimate && worse.estimate < worse.high && (worse.estimate - 0.09).abs() < 1e-12);
        assert!(difference((100, 1_000), (10, 1_000)).is_decrease());
        let same = difference((10, 1_000), (11, 1_000));
        assert!(!same.is_increase() && !same.is_decrease());
    }

    #[test]
    fn nothing_that_failed_and_nothing_that_was_counted_show_no_difference() {
        for (base, share) in [((0, 5_000), (0, 5_000)), ((0, 0), (5, 5)), ((7, 9), (0, 0)), ((0, 0), (0, 0))] {
            let difference = difference(base, share);
            assert!(!difference.is_increase() && !difference.is_decrease(), "{base:?} {share:?}: {difference:?}");
        }
    }

    /// Fisher's exact test has p = 0.03 for six failures of 5,000 probes against none, and 0.12 for four.
    #[test]
    fn six_failures_against_none_are_a_difference_and_four_are_not() {
        assert!(!difference((0, 5_000), (4, 5_000)).is_increase());
        assert!(difference((0, 5_000), (6, 5_000)).is_increase());
    }

    fn chances(trials: u64, share: f64) -> Vec<f64> {
        let mut chances = Vec::new();
        let mut ways = 0.0_f64;
        for hits in 0..=trials {
            let [hits, all] = [hits, trials].map(|count| f64::from(u32::try_from(count).unwrap()));
            if hits > 0.0 {
                ways += ((all - hits + 1.0) / hits).ln();
            }
            chances.push((ways + hits * share.ln() + (all - hits) * (1.0 - share).ln()).exp());
        }
        chances
    }

    /// The true rate of error at a share, summed over all that could be counted: no drawing of samples can be luckier.
    #[test]
    fn two_counts_of_one_share_are_called_different_in_at_most_5_of_100_cases_whatever_their_numbers() {
        let shares = [0.000_5, 0.002, 0.01, 0.03, 0.1, 0.25, 0.5, 0.8, 0.97];
        for (few, many) in [(1, 5), (5, 5), (20, 20), (20, 200), (60, 60), (100, 300), (250, 250)] {
            let intervals = |trials: u64| (0..=trials).map(|hits| Share::of(hits, trials)).collect::<Vec<_>>();
            let (base, other) = (intervals(few), intervals(many));
            for share in shares {
                let (chance, more) = (chances(few, share), chances(many, share));
                let mut wrong = 0.0;
                for (base, chance) in base.iter().zip(&chance) {
                    let called = |share: &Share| {
                        let difference = Difference::of(*base, *share);
                        difference.is_increase() || difference.is_decrease()
                    };
                    wrong += other
                        .iter()
                        .zip(&more)
                        .filter(|(share, _)| called(share))
                        .map(|(_, more)| chance * more)
                        .sum::<f64>();
                }
                assert!(wrong <= 0.05, "{wrong} at {share} of {few} and {many}");
            }
        }
    }
}
