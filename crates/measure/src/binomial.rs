//! The share of which a count is a sample: its exact 95 % interval (Clopper and Pearson, 1934).
//!
//! Of all intervals for a share this one never covers less than it promises, however small the sample. It is made of
//! quantiles of the beta distribution, which are found by bisection of the regularised incomplete beta function.

/// The probability below an interval of 95 %; as much lies above it.
pub const TAIL: f64 = 0.025;

/// Halvings of the interval from 0 to 1 until neither bound moves any more.
const HALVINGS: u32 = 60;

/// A share with the interval in which the true one lies, in 95 of 100 cases at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share that was counted, from 0 to 1.
    pub estimate: f64,
    /// The lower bound, from 0 to 1.
    pub low: f64,
    /// The upper bound, from 0 to 1.
    pub high: f64,
}

impl Share {
    /// The share that `hits` of `trials` independent trials tell of. No trial at all tells nothing: 0 to 1.
    pub fn of(hits: u64, trials: u64) -> Self {
        Self::with_tail(hits, trials, TAIL)
    }

    /// The same with another probability than [`TAIL`] on either side of the interval: the smaller, the wider.
    pub fn with_tail(hits: u64, trials: u64, tail: f64) -> Self {
        let (hits, trials) = (float(hits.min(trials)), float(trials));
        let misses = trials - hits;
        let low = if hits > 0.0 { beta_quantile(tail, hits, misses + 1.0) } else { 0.0 };
        let high = if misses > 0.0 { beta_quantile(1.0 - tail, hits + 1.0, misses) } else { 1.0 };
        Self { estimate: if trials > 0.0 { hits / trials } else { 0.0 }, low, high }
    }
}

/// The chance that at least `hits` of `trials` independent trials succeed if each does with the chance `share`.
pub fn chance_of_at_least(hits: u64, trials: u64, share: f64) -> f64 {
    if hits == 0 || hits > trials {
        return if hits == 0 { 1.0 } else { 0.0 };
    }
    let parameters = (float(hits), float(trials - hits) + 1.0);
    beta_below(share, parameters, ln_inverse_beta(parameters))
}

/// The logarithm of 1 / B(a, b).
fn ln_inverse_beta((a, b): (f64, f64)) -> f64 {
    ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)
}

/// The quantile of the beta distribution with the parameters `a` and `b`, both at least 1.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let scale = ln_inverse_beta((a, b));
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if beta_below(middle, (a, b), scale) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function at `x`, from 0 to 1; `scale` is the logarithm of 1 / B(a, b).
fn beta_below(x: f64, (a, b): (f64, f64), scale: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (scale + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast only below the mean; above it, the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut upper = 1.0;
    let mut lower = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut all = lower;
    // It takes about the square root of the larger parameter.
    for step in 1..100_000_u32 {
        let step = f64::from(step);
        let place = a + 2.0 * step;
        let even = step * (b - step) * x / ((place - 1.0) * place);
        let odd = -(a + step) * (a + b + step) * x / (place * (place + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            lower = 1.0 / away(1.0 + term * lower);
            upper = away(1.0 + term / upper);
            change *= upper * lower;
        }
        all *= change;
        if (change - 1.0).abs() < 1e-13 {
            break;
        }
    }
    all
}

/// The logarithm of the gamma function for `x` of at least 1: Stirling's series, after a shift to where it is exact.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 12.0 {
        shift += x.ln();
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[expect(clippy::cast_precision_loss, reason = "a count of probes needs no more than 52 bits")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(hits: u64, trials: u64) -> String {
        let share = Share::of(hits, trials);
        format!("{:.4} {:.4}", share.low, share.high)
    }

    #[test]
    fn the_chance_of_many_hits_is_the_sum_of_their_terms_for_any_number_of_trials() {
        let near = |chance: f64, expected: f64| assert!((chance / expected - 1.0).abs() < 1e-9, "{chance} {expected}");
        near(chance_of_at_least(1, 1, 0.05), 0.05);
        near(chance_of_at_least(2, 2, 0.05), 0.05 * 0.05);
        near(chance_of_at_least(1, 3, 0.5), 7.0 / 8.0);
        assert_eq!((chance_of_at_least(0, 0, 0.05), chance_of_at_least(2, 1, 0.05)), (1.0, 0.0));
        // With this number of trials a single term would be too small for a number of 64 bits.
        let all = 100_000;
        assert!(chance_of_at_least(all / 10, all, 0.05) < 1e-9);
        assert!(chance_of_at_least(all / 25, all, 0.05) > 0.999);
    }

    #[test]
    fn the_interval_has_the_published_values() {
        assert_eq!(bounds(0, 10), "0.0000 0.3085");
        assert_eq!(bounds(1, 10), "0.0025 0.4450");
        assert_eq!(bounds(5, 10), "0.1871 0.8129");
        assert_eq!(bounds(10, 10), "0.6915 1.0000");
        assert_eq!(bounds(10, 100), "0.0490 0.1762");
        assert_eq!(bounds(0, 0), "0.0000 1.0000");
    }

    #[test]
    fn gamma_is_the_factorial() {
        for (x, factorial) in [(1.0, 1.0_f64), (5.0, 24.0), (11.0, 3_628_800.0), (13.0, 479_001_600.0)] {
            assert!((ln_gamma(x) - factorial.ln()).abs() < 1e-9, "{x}");
        }
    }

    /// The true coverage at a share, summed over all that could be counted: no drawing of samples can be luckier.
    #[test]
    fn the_interval_covers_95_of_100_for_every_sample_and_share() {
        for trials in [1_u64, 2, 3, 5, 10, 20, 50, 150] {
            let intervals: Vec<_> = (0..=trials).map(|hits| Share::of(hits, trials)).collect();
            for percent in 1..100_u32 {
                let p = f64::from(percent) / 100.0;
                let ways =
                    |hits: f64, all: f64| ln_gamma(all + 1.0) - ln_gamma(hits + 1.0) - ln_gamma(all - hits + 1.0);
                let chance = |hits: u64| {
                    let (hits, all) = (float(hits), float(trials));
                    (ways(hits, all) + hits * p.ln() + (all - hits) * (1.0 - p).ln()).exp()
                };
                let held = (0..=trials).zip(&intervals).filter(|(_, share)| share.low <= p && p <= share.high);
                let covered: f64 = held.map(|(hits, _)| chance(hits)).sum();
                assert!(covered >= 0.95 - 1e-9, "{covered} at {p} of {trials}");
            }
        }
    }

    #[test]
    fn the_interval_is_hardly_wider_than_the_normal_limit() {
        for (hits, trials) in [(4, 20), (10, 50), (40, 100), (800, 2_000), (99_000, 100_000), (300, 1_000_000)] {
            let share = Share::of(hits, trials);
            let limit = 2.0 * 1.96 * (share.estimate * (1.0 - share.estimate) / float(trials)).sqrt();
            assert!(share.high - share.low <= 1.5 * limit, "{hits} of {trials}: {share:?}");
            assert!(share.low < share.estimate && share.estimate < share.high);
        }
    }
}
