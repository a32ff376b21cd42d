//! Distributions of durations: send delays, latencies, round trips and times to fail.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::time::nanos;

/// A histogram of durations from 1 us to 100 s with two or three significant digits. The maximum and the sum are exact.
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    longest: Duration,
    sum: Duration,
}

impl Distribution {
    const SHORTEST_NS: u64 = 1_000;
    const LONGEST_NS: u64 = 100_000_000_000;

    /// An empty distribution with three digits, which grows to some 250 KB: for those kept once a lane.
    pub fn fine() -> Self {
        Self::with_digits(3)
    }

    /// An empty distribution with two digits, a tenth of the size: for those kept once a burst, of which there may be
    /// thousands.
    pub fn coarse() -> Self {
        Self::with_digits(2)
    }

    /// An empty histogram that starts small and grows only when longer durations come.
    #[expect(clippy::expect_used, reason = "these bounds are constants, and ones that a histogram accepts")]
    fn with_digits(digits: u8) -> Self {
        let mut histogram =
            Histogram::new_with_bounds(Self::SHORTEST_NS, Self::SHORTEST_NS * 2, digits).expect("valid bounds");
        histogram.auto(true);
        Self { histogram, longest: Duration::ZERO, sum: Duration::ZERO }
    }

    /// Counts a duration. Quantiles see one beyond 100 s as 100 s.
    pub fn record(&mut self, duration: Duration) {
        self.longest = self.longest.max(duration);
        self.sum = self.sum.saturating_add(duration);
        // Cannot fail: the histogram grows, and the value is clamped to what it can hold.
        let _ = self.histogram.record(nanos(duration).min(Self::LONGEST_NS));
    }

    /// Adds all durations counted in `other`.
    pub fn add(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        self.sum = self.sum.saturating_add(other.sum);
        // Cannot fail: this histogram grows to hold the values of the other.
        let _ = self.histogram.add(&other.histogram);
    }

    /// The number of durations counted.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The sum of all durations, exact.
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// For each of these borders, in rising order, the number of durations that do not exceed it, to the digits of the
    /// histogram.
    pub fn counts_up_to(&self, borders: &[Duration]) -> Vec<u64> {
        let mut counts = vec![0; borders.len()];
        for step in self.histogram.iter_recorded() {
            let shortest = Duration::from_nanos(self.histogram.lowest_equivalent(step.value_iterated_to()));
            let first = borders.partition_point(|border| *border < shortest);
            for count in counts.iter_mut().skip(first) {
                *count += step.count_since_last_iteration();
            }
        }
        counts
    }

    /// The duration that a share of `quantile` (0 to 1) of all durations does not exceed; `None` if none was counted.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let value = || Duration::from_nanos(self.histogram.value_at_quantile(quantile));
        (self.count() > 0).then(|| value().min(self.longest))
    }

    /// The longest duration, exact; `None` if none was counted.
    pub fn longest(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let mut all = Distribution::fine();
        assert_eq!((all.quantile(0.5), all.longest()), (None, None));
        for ms in 1..=1000 {
            all.record(Duration::from_millis(ms));
        }
        let near = |quantile: f64, ms: u128| all.quantile(quantile).unwrap().as_millis().abs_diff(ms) <= 1;
        assert!(near(0.5, 500) && near(0.99, 990) && near(1.0, 1000));
        all.record(Duration::from_secs(300));
        assert_eq!(all.longest(), Some(Duration::from_secs(300)));
        assert_eq!(all.count(), 1001);
    }

    #[test]
    fn the_sum_is_exact_and_a_duration_at_a_border_does_not_exceed_it() {
        let (mut one, mut other) = (Distribution::fine(), Distribution::coarse());
        for ms in [1, 5, 5, 250] {
            one.record(Duration::from_millis(ms));
        }
        other.record(Duration::from_secs(300));
        one.add(&other);
        assert_eq!((one.sum(), one.count()), (Duration::from_millis(300_261), 5));
        let borders = [Duration::ZERO, Duration::from_millis(5), Duration::from_millis(250), Duration::from_secs(10)];
        assert_eq!(one.counts_up_to(&borders), [0, 3, 4, 4]);
        assert_eq!(Distribution::fine().counts_up_to(&borders), [0; 4]);
    }
}
