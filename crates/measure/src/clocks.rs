//! How far the monotonic clocks of two machines are apart, and how surely: by exchanges of four readings.
//!
//! An exchange cannot say how its round trip is divided into the way there and the way back, so it gives bounds. Those of
//! several exchanges are taken together, each widened by what the clocks may have drifted apart since.

use std::time::Duration;

use super::time::MonotonicTime;

/// The fastest that two clocks drift apart, in parts per million: the kernel may slew either by 500.
pub const DRIFT_PPM: i128 = 1_000;

/// One exchange: a reading of the clock at home, two of the other clock, and one more at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The clock at home, just before the question was sent.
    pub asked: MonotonicTime,
    /// The other clock, once the question was read.
    pub received: MonotonicTime,
    /// The other clock, just before the answer was sent.
    pub answered: MonotonicTime,
    /// The clock at home, once the answer was read.
    pub read: MonotonicTime,
}

/// How much later the other clock reads than the one at home, in nanoseconds; negative if it reads earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset(i64);

/// Where the clock offset lay at a reading of the clock at home, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    at: i128,
    least: i128,
    most: i128,
}

/// Two clocks, compared again and again.
#[derive(Clone, Debug, Default)]
pub struct ClockComparison {
    /// In the order of time.
    bounds: Vec<Bounds>,
}

impl ClockOffset {
    /// The offset of a clock that reads `nanos` nanoseconds more.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The nanoseconds that the other clock reads more.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// What the other clock reads when the one at home reads `home`.
    #[must_use]
    pub const fn of_the_other(self, home: MonotonicTime) -> MonotonicTime {
        MonotonicTime::from_nanos(home.as_nanos().saturating_add_signed(self.0))
    }
}

impl Exchange {
    /// The time of the round trip that the question and its answer were on their way.
    pub fn round_trip(&self) -> Duration {
        self.read.since(self.asked).saturating_sub(self.answered.since(self.received))
    }

    /// `None` if a clock went backwards, or the answer took longer than the whole exchange.
    fn bounds(&self) -> Option<Bounds> {
        let [asked, received, answered, read] =
            [self.asked, self.received, self.answered, self.read].map(|reading| i128::from(reading.as_nanos()));
        // The other clock was read after the question was sent, and before the answer was read.
        let (least, most) = (answered - read, received - asked);
        let is_in_order = asked <= read && received <= answered && least <= most;
        let drift = drift(read - asked);
        let at = asked + (read - asked) / 2;
        is_in_order.then_some(Bounds { at, least: least - drift, most: most + drift })
    }
}

impl ClockComparison {
    /// Adds an exchange, the latest so far. Returns whether it can be one: other readings are left out.
    pub fn add(&mut self, exchange: &Exchange) -> bool {
        let bounds = exchange.bounds().filter(|new| self.bounds.last().is_none_or(|last| last.at <= new.at));
        self.bounds.extend(bounds);
        bounds.is_some()
    }

    /// The number of exchanges.
    pub const fn count(&self) -> usize {
        self.bounds.len()
    }

    /// The offset at the last exchange: the middle of what all of them leave possible. `None` before the first one.
    pub fn offset(&self) -> Option<ClockOffset> {
        let last = self.tightened().pop()?;
        i64::try_from(i128::midpoint(last.least, last.most)).ok().map(ClockOffset)
    }

    /// The most by which the offset may have differed from `assumed` at any time from the first exchange to the last.
    /// `None` without an exchange, or if the clocks drifted apart faster than [`DRIFT_PPM`].
    pub fn error(&self, assumed: ClockOffset) -> Option<Duration> {
        let bounds = self.tightened();
        if bounds.is_empty() || bounds.iter().any(|one| one.least > one.most) {
            return None;
        }
        let assumed = i128::from(assumed.0);
        let at = bounds.iter().map(|one| (one.most - assumed).max(assumed - one.least));
        // Between two exchanges the bounds are widest where the drift from either meets.
        let between = bounds.windows(2).filter_map(|pair| {
            let [one, next] = pair else { return None };
            let drift = drift(next.at - one.at);
            let most = (one.most + next.most + drift) / 2;
            let least = (one.least + next.least - drift) / 2;
            Some((most - assumed).max(assumed - least))
        });
        let worst = at.chain(between).max().unwrap_or(0);
        Some(Duration::from_nanos(u64::try_from(worst.max(0)).unwrap_or(u64::MAX)))
    }

    /// The bounds at each exchange by all of them.
    fn tightened(&self) -> Vec<Bounds> {
        let mut bounds = self.bounds.clone();
        let narrow = |one: &mut Bounds, other: Bounds| {
            let drift = drift((one.at - other.at).abs());
            one.least = one.least.max(other.least - drift);
            one.most = one.most.min(other.most + drift);
        };
        let mut before: Option<Bounds> = None;
        for one in &mut bounds {
            if let Some(other) = before {
                narrow(one, other);
            }
            before = Some(*one);
        }
        let mut after: Option<Bounds> = None;
        for one in bounds.iter_mut().rev() {
            if let Some(other) = after {
                narrow(one, other);
            }
            after = Some(*one);
        }
        bounds
    }
}

/// What two clocks may drift apart in this time, rounded up.
const fn drift(time: i128) -> i128 {
    time * DRIFT_PPM / 1_000_000 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An exchange with another clock that reads `offset` more: times at home and ways in microseconds.
    fn exchange(at: u64, offset: i64, there: u64, back: u64) -> Exchange {
        let home = |micros: u64| MonotonicTime::from_nanos((1_000_000 + micros) * 1_000);
        let other = |micros: u64| MonotonicTime::from_nanos(home(micros).as_nanos().saturating_add_signed(offset));
        Exchange {
            asked: home(at),
            received: other(at + there),
            answered: other(at + there + 5),
            read: home(at + there + 5 + back),
        }
    }

    #[test]
    fn the_offset_of_an_even_round_trip_is_met_and_its_error_is_half_of_the_trip() {
        let mut clocks = ClockComparison::default();
        assert_eq!((clocks.offset(), clocks.error(ClockOffset(0))), (None, None));
        assert!(clocks.add(&exchange(0, 7_000_000_000, 400, 400)));
        assert_eq!(exchange(0, 7, 400, 400).round_trip(), Duration::from_micros(800));
        let offset = clocks.offset().unwrap();
        assert!(offset.as_nanos().abs_diff(7_000_000_000) <= 1, "{offset:?}");
        let error = clocks.error(offset).unwrap();
        assert!((400_000..402_000).contains(&error.as_nanos()), "{error:?}");
        assert_eq!(offset.of_the_other(MonotonicTime::from_nanos(5)).as_nanos(), offset.as_nanos().unsigned_abs() + 5);
    }

    #[test]
    fn a_short_round_trip_also_bounds_the_offset_a_while_before_and_after() {
        let mut clocks = ClockComparison::default();
        for (at, way) in [(0, 50_000), (1_000_000, 100), (2_000_000, 50_000)] {
            assert!(clocks.add(&exchange(at, -5_000, way, way)));
        }
        // Half of the short round trip, and the drift of a second and a bit.
        let error = clocks.error(ClockOffset(-5_000)).unwrap();
        assert!(error < Duration::from_micros(1_300), "{error:?}");
    }

    #[test]
    fn what_cannot_be_an_exchange_is_left_out_and_a_clock_that_jumps_has_no_error() {
        let mut clocks = ClockComparison::default();
        let right = exchange(10, 0, 100, 100);
        assert!(!clocks.add(&Exchange { read: MonotonicTime::from_nanos(0), ..right }));
        assert!(!clocks.add(&Exchange { answered: MonotonicTime::from_nanos(u64::MAX), ..right }));
        assert!(clocks.add(&right));
        assert!(!clocks.add(&exchange(0, 0, 100, 100)), "it is earlier than the one before");
        assert!(clocks.add(&exchange(1_000_000, 50_000_000, 100, 100)));
        assert_eq!((clocks.count(), clocks.error(ClockOffset(0))), (2, None));
    }

    proptest! {
        /// Whatever the ways take, and however the other clock drifts within the limit, the true offset lies within the
        /// error of the assumed one at each instant.
        #[test]
        fn the_true_offset_lies_within_the_error(
            offset in -1_000_000_000_000_i64..1_000_000_000_000,
            ppm in -900_i64..900,
            ways in proptest::collection::vec((0_u64..200_000, 0_u64..200_000), 1..20),
        ) {
            let truth = |micros: i64| offset + micros * ppm / 1_000;
            let other = |micros: i64| MonotonicTime::from_nanos(
                u64::try_from(2_000_000_000_000 + micros * 1_000 + truth(micros)).unwrap());
            let home = |micros: i64| MonotonicTime::from_nanos(u64::try_from(2_000_000_000_000 + micros * 1_000).unwrap());
            let (mut clocks, mut now, mut times) = (ClockComparison::default(), 0_i64, Vec::new());
            for (there, back) in ways {
                let (received, read) = (now + i64::try_from(there).unwrap(), now + i64::try_from(there + back).unwrap());
                let made = Exchange { asked: home(now), received: other(received), answered: other(received), read: home(read) };
                prop_assert!(clocks.add(&made));
                times.extend([now, read]);
                now = read + 1_000_000;
            }
            let assumed = clocks.offset().unwrap();
            let error = clocks.error(assumed).unwrap();
            for at in times {
                let off = u128::from(truth(at).abs_diff(assumed.as_nanos()));
                // A bound holds at the middle of its round trip: by its ends the clock has drifted by half of it.
                prop_assert!(off <= error.as_nanos() + 210_000, "at {at}: {off} > {error:?}");
            }
        }
    }
}
