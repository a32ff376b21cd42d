//! How a duration developed over the run: median, p99 and maximum of each interval, to draw a curve.
//!
//! Memory is bounded: when a run outgrows its intervals, neighbours are merged in pairs and the width doubles. The
//! maximum is exact; quantiles are up to a quarter too high, which a curve does not show.

use std::time::Duration;

use super::span::Span;
use super::time::{Offset, nanos};

/// The most intervals kept; when a run needs more, they are merged in pairs.
const MAX_INTERVALS: usize = 512;
/// The width of an interval at first, before any merge.
const FIRST_WIDTH: Duration = Duration::from_millis(10);
/// Buckets of an interval: four per octave, from a microsecond to a minute.
const BUCKETS: usize = 108;
/// Durations below 2^10 ns share the first bucket.
const FIRST_OCTAVE: u32 = 10;

/// Records a duration over the run, by interval.
#[derive(Clone, Debug)]
pub struct Trend {
    /// The width of every interval.
    width: Duration,
    intervals: Vec<Interval>,
    /// The interval of the duration before, and its index: the next one most often belongs to it too.
    latest: (Span, usize),
}

/// A histogram of the durations recorded in one interval.
#[derive(Clone, Debug)]
struct Interval {
    buckets: [u32; BUCKETS],
    longest: Duration,
}

/// The distribution of a duration in one interval of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrendPoint {
    /// The interval; all intervals of a trend have the same width.
    pub span: Span,
    /// The median, at most a quarter too high.
    pub median: Duration,
    /// The 99th percentile, at most a quarter too high.
    pub p99: Duration,
    /// The maximum, exact.
    pub longest: Duration,
}

impl Default for Trend {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, intervals: Vec::new(), latest: (Span::new(Offset::ZERO, Offset::ZERO), 0) }
    }
}

impl Trend {
    /// Counts a duration in the interval that contains `at`.
    pub fn record(&mut self, at: Offset, duration: Duration) {
        let (span, latest) = self.latest;
        let index = if span.from <= at && at < span.to { latest } else { self.interval_at(at) };
        self.intervals[index].record(duration);
    }

    /// The index of the interval that contains `at`; a wider one for all if there would be too many.
    fn interval_at(&mut self, at: Offset) -> usize {
        let index = loop {
            match usize::try_from(at.as_nanos() / nanos(self.width)) {
                Ok(index) if index < MAX_INTERVALS => break index,
                _ => self.merge_pairs(),
            }
        };
        if index >= self.intervals.len() {
            self.intervals.resize_with(index + 1, Interval::new);
        }
        let from = Offset::from_nanos(nanos(self.width).saturating_mul(index as u64));
        self.latest = (Span::new(from, from + self.width), index);
        index
    }

    /// A point for each interval that is not empty, in order of time.
    pub fn points(&self) -> impl Iterator<Item = TrendPoint> + '_ {
        let from = |index: u64| Offset::from_nanos(nanos(self.width).saturating_mul(index));
        (0..).zip(&self.intervals).filter_map(move |(index, interval)| {
            let span = Span::new(from(index), from(index + 1));
            let (median, p99) = (interval.quantile(1, 2)?, interval.quantile(99, 100)?);
            Some(TrendPoint { span, median, p99, longest: interval.longest })
        })
    }

    /// Merges the intervals in pairs and doubles their width.
    fn merge_pairs(&mut self) {
        self.width *= 2;
        let pairs = self.intervals.chunks(2).map(|pair| match pair {
            [one, other] => one.merged(other),
            _ => pair[0].clone(),
        });
        self.intervals = pairs.collect();
    }
}

impl Interval {
    const fn new() -> Self {
        Self { buckets: [0; BUCKETS], longest: Duration::ZERO }
    }

    fn record(&mut self, duration: Duration) {
        let bucket = &mut self.buckets[bucket(nanos(duration))];
        *bucket = bucket.saturating_add(1);
        self.longest = self.longest.max(duration);
    }

    fn merged(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (sum, more) in both.buckets.iter_mut().zip(other.buckets) {
            *sum = sum.saturating_add(more);
        }
        both.longest = both.longest.max(other.longest);
        both
    }

    /// The upper edge of the bucket that contains the quantile `part / whole`; `None` if nothing was recorded.
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

/// The index of a duration's bucket: four per octave.
fn bucket(nanos: u64) -> usize {
    let octave = nanos.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    let quarter = (nanos >> (octave - 2)) & 3;
    let bucket = u64::from(octave - FIRST_OCTAVE) * 4 + quarter;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The first duration, in nanoseconds, beyond a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let (octave, quarter) = (FIRST_OCTAVE as usize + bucket / 4, bucket as u64 % 4);
    (5 + quarter) << (octave - 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_longer_run_has_wider_intervals_but_not_more_of_them() {
        let mut trend = Trend::default();
        for ms in 0..100_000 {
            trend.record(Offset::from_millis(ms), Duration::from_micros(if ms == 70_000 { 9_000 } else { 300 }));
        }
        let points: Vec<_> = trend.points().collect();
        assert!(points.len() > MAX_INTERVALS / 4 && points.len() <= MAX_INTERVALS, "{}", points.len());
        let slow: Vec<_> = points.iter().filter(|point| point.longest > Duration::from_millis(1)).collect();
        assert_eq!((slow.len(), slow[0].longest), (1, Duration::from_millis(9)));
        assert!(slow[0].span.from <= Offset::from_millis(70_000) && Offset::from_millis(70_000) < slow[0].span.to);
    }

    #[test]
    fn extreme_instants_and_durations_are_recorded() {
        let mut trend = Trend::default();
        trend.record(Offset::from_nanos(u64::MAX), Duration::MAX);
        trend.record(Offset::ZERO, Duration::ZERO);
        assert_eq!(trend.points().count(), 2);
    }

    proptest! {
        #[test]
        fn a_quantile_is_never_too_low_and_at_most_a_quarter_too_high(micros in proptest::collection::vec(2_u64..5_000_000, 1..200)) {
            let mut trend = Trend::default();
            for one in &micros {
                trend.record(Offset::ZERO, Duration::from_micros(*one));
            }
            let mut sorted = micros;
            sorted.sort_unstable();
            let truth = Duration::from_micros(sorted[(sorted.len() - 1) / 2]);
            let median = trend.points().next().unwrap().median;
            prop_assert!(truth <= median && median <= truth.mul_f64(1.26), "{truth:?} {median:?}");
        }
    }
}
