//! Whether figures with bounds rise or fall from run to run: the test of Mann and Kendall.
//!
//! Of each two runs the later one has more, less, or, where their bounds meet, neither. The sum of these signs is held
//! against what chance makes of runs in any order (Mann, *Econometrica* 13, 1945). Pairs that tell nothing are not taken
//! out of the variance, which makes the test careful.

use std::cmp::Ordering;

/// How figures go over the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tendency {
    /// They rise, whatever chance may have done in 95 of 100 cases.
    Rises,
    /// They fall.
    Falls,
    /// No trend that this many runs could show.
    NotShown,
}

/// The quantile of the normal distribution that leaves 2.5 % out on either side.
const Z: f64 = 1.96;
/// With fewer runs no order of them is rarer than 5 of 100.
const LEAST: usize = 5;

impl Tendency {
    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rises => "rises",
            Self::Falls => "falls",
            Self::NotShown => "none shown",
        }
    }

    /// The tendency of figures in the order of time, each with a lower bound, and an upper one if there is any.
    pub(crate) fn of(figures: &[(f64, Option<f64>)]) -> Self {
        if figures.len() < LEAST {
            return Self::NotShown;
        }
        let later = |place: usize| figures.iter().skip(place + 1);
        let signs = figures.iter().enumerate().flat_map(|(place, one)| later(place).map(|next| sign(*one, *next)));
        let sum = f64::from(signs.sum::<i32>());
        let count = f64::from(u32::try_from(figures.len()).unwrap_or(u32::MAX));
        let deviation = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
        // One is taken off since the sum moves in steps of two.
        match (sum.abs() - 1.0 > Z * deviation, sum > 0.0) {
            (false, _) => Self::NotShown,
            (true, true) => Self::Rises,
            (true, false) => Self::Falls,
        }
    }
}

/// Whether the later figure is surely more (1) or less (-1) than the earlier one.
fn sign((low, high): (f64, Option<f64>), (later_low, later_high): (f64, Option<f64>)) -> i32 {
    let above = |low: f64, high: Option<f64>| high.is_some_and(|high| low.total_cmp(&high) == Ordering::Greater);
    i32::from(above(later_low, high)) - i32::from(above(low, later_high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(figures: &[i32]) -> Tendency {
        let bounds = |figure: &i32| (f64::from(*figure) - 0.4, Some(f64::from(*figure) + 0.4));
        Tendency::of(&figures.iter().map(bounds).collect::<Vec<_>>())
    }

    #[test]
    fn figures_that_rise_or_fall_throughout_are_a_trend_from_five_runs_on() {
        assert_eq!(of(&[1, 2, 3, 4]), Tendency::NotShown);
        assert_eq!(of(&[1, 2, 3, 4, 5]), Tendency::Rises);
        assert_eq!(of(&[50, 42, 43, 30, 21, 11, 3]), Tendency::Falls);
        assert_eq!(of(&[3, 1, 2, 3, 2, 1, 3, 2]), Tendency::NotShown);
        assert_eq!(of(&[]), Tendency::NotShown);
    }

    #[test]
    fn figures_whose_bounds_meet_are_no_trend() {
        let wide: Vec<_> = (0..20).map(|nth| (f64::from(nth), Some(f64::from(nth) + 30.0))).collect();
        assert_eq!(Tendency::of(&wide), Tendency::NotShown);
        let open: Vec<_> = (0..20).map(|nth| (f64::from(nth), None)).collect();
        assert_eq!(Tendency::of(&open), Tendency::NotShown);
    }

    #[test]
    fn runs_in_any_order_are_called_a_trend_in_at_most_5_of_100_cases() {
        let mut random = fastrand::Rng::with_seed(7);
        for count in [5, 6, 8, 12, 30] {
            let trials = 2_000;
            let called = (0..trials).filter(|_| {
                let figures: Vec<_> = (0..count).map(|_| random.i32(0..count * 3)).collect();
                of(&figures) != Tendency::NotShown
            });
            let called = called.count();
            assert!(called * 100 <= trials * 5, "{called} of {trials} with {count} runs");
        }
    }
}
