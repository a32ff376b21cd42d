//! How a duration went over the run: its median, its p99 and its longest, stretch by stretch.
//!
//! Memory is bounded: when a run outgrows its stretches, each two become one of twice the length. Refuses to be exact
//! but in the longest: quantiles hold to a quarter, which a curve does not show.

use std::time::Duration;

use super::span::Span;
use super::time::{Offset, nanos};

/// Stretches kept at the most.
const STRETCHES: usize = 512;
/// How long a stretch is at first.
const SHORTEST: Duration = Duration::from_millis(10);
/// Buckets of a stretch: four an octave, from a microsecond to a minute.
const BUCKETS: usize = 108;
/// Durations below 2 to the power of this, in nanoseconds, share the first bucket.
const FIRST_OCTAVE: u32 = 10;

/// How a duration went over the run.
#[derive(Clone, Debug)]
pub struct Trend {
    width_ns: u64,
    stretches: Vec<Stretch>,
}

/// What was recorded in one stretch.
#[derive(Clone, Debug)]
struct Stretch {
    buckets: [u32; BUCKETS],
    longest: Duration,
}

/// What a duration was like in one stretch of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrendPoint {
    /// The stretch.
    pub span: Span,
    /// The median, to a quarter.
    pub median: Duration,
    /// What one in a hundred exceeded, to a quarter.
    pub p99: Duration,
    /// The longest, exactly.
    pub longest: Duration,
}

impl Default for Trend {
    fn default() -> Self {
        Self { width_ns: nanos(SHORTEST), stretches: Vec::new() }
    }
}

impl Trend {
    /// Counts a duration that belongs to the instant `at`.
    pub fn record(&mut self, at: Offset, duration: Duration) {
        let place = loop {
            match usize::try_from(at.as_nanos() / self.width_ns) {
                Ok(place) if place < STRETCHES => break place,
                _ => self.halve(),
            }
        };
        if place >= self.stretches.len() {
            self.stretches.resize_with(place + 1, Stretch::new);
        }
        self.stretches[place].record(duration);
    }

    /// The stretches in which anything was recorded, in the order of time.
    pub fn pulses(&self) -> impl Iterator<Item = TrendPoint> + '_ {
        let from = |place: u64| Offset::from_nanos(self.width_ns.saturating_mul(place));
        (0..).zip(&self.stretches).filter_map(move |(place, stretch)| {
            let span = Span::new(from(place), from(place + 1));
            let (median, p99) = (stretch.quantile(1, 2)?, stretch.quantile(99, 100)?);
            Some(TrendPoint { span, median, p99, longest: stretch.longest })
        })
    }

    /// Makes one stretch of each two.
    fn halve(&mut self) {
        self.width_ns = self.width_ns.saturating_mul(2);
        let pairs = self.stretches.chunks(2).map(|pair| match pair {
            [one, other] => one.with(other),
            _ => pair[0].clone(),
        });
        self.stretches = pairs.collect();
    }
}

impl Stretch {
    const fn new() -> Self {
        Self { buckets: [0; BUCKETS], longest: Duration::ZERO }
    }

    fn record(&mut self, duration: Duration) {
        let bucket = &mut self.buckets[bucket(nanos(duration))];
        *bucket = bucket.saturating_add(1);
        self.longest = self.longest.max(duration);
    }

    fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (sum, more) in both.buckets.iter_mut().zip(other.buckets) {
            *sum = sum.saturating_add(more);
        }
        both.longest = both.longest.max(other.longest);
        both
    }

    /// What the share `part / whole` did not exceed; `None` if nothing was recorded.
    fn quantile(&self, part: u64, whole: u64) -> Option<Duration> {
        let count: u64 = self.buckets.iter().copied().map(u64::from).sum();
        let rank = (count * part).div_ceil(whole);
        let mut passed = 0;
        let reaches = |bucket: &u32| {
            passed += u64::from(*bucket);
            passed >= rank
        };
        let bucket = (count > 0).then(|| self.buckets.iter().position(reaches))??;
        Some(Duration::from_nanos(upper_edge(bucket)).min(self.longest))
    }
}

/// The bucket of a duration: its octave, and the quarter of it.
fn bucket(nanos: u64) -> usize {
    let octave = nanos.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    let quarter = (nanos >> (octave - 2)) & 3;
    let bucket = u64::from(octave - FIRST_OCTAVE) * 4 + quarter;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The first duration beyond a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let (octave, quarter) = (FIRST_OCTAVE as usize + bucket / 4, bucket as u64 % 4);
    (5 + quarter) << (octave - 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_longer_run_has_longer_stretches_and_no_more_of_them() {
        let mut trend = Trend::default();
        for ms in 0..100_000 {
            trend.record(Offset::from_millis(ms), Duration::from_micros(if ms == 70_000 { 9_000 } else { 300 }));
        }
        let pulses: Vec<_> = trend.pulses().collect();
        assert!(pulses.len() > STRETCHES / 4 && pulses.len() <= STRETCHES, "{}", pulses.len());
        let odd: Vec<_> = pulses.iter().filter(|pulse| pulse.longest > Duration::from_millis(1)).collect();
        assert_eq!((odd.len(), odd[0].longest), (1, Duration::from_millis(9)));
        assert!(odd[0].span.from <= Offset::from_millis(70_000) && Offset::from_millis(70_000) < odd[0].span.to);
    }

    #[test]
    fn no_instant_and_no_duration_is_out_of_bounds() {
        let mut trend = Trend::default();
        trend.record(Offset::from_nanos(u64::MAX), Duration::MAX);
        trend.record(Offset::ZERO, Duration::ZERO);
        assert_eq!(trend.pulses().count(), 2);
    }

    proptest! {
        #[test]
        fn a_quantile_is_not_below_the_truth_and_a_quarter_above_it_at_most(micros in proptest::collection::vec(2_u64..5_000_000, 1..200)) {
            let mut trend = Trend::default();
            for one in &micros {
                trend.record(Offset::ZERO, Duration::from_micros(*one));
            }
            let mut sorted = micros;
            sorted.sort_unstable();
            let truth = Duration::from_micros(sorted[(sorted.len() - 1) / 2]);
            let median = trend.pulses().next().unwrap().median;
            prop_assert!(truth <= median && median <= truth.mul_f64(1.26), "{truth:?} {median:?}");
        }
    }
}
