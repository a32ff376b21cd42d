//! Offsets from the start of the run, durations with bounds, and how both are printed.
//!
//! There are no floating-point seconds: a float cannot represent every nanosecond exactly.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// Nanoseconds of the monotonic clock since the start of the run: the only unit of time in this crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// The start of the run.
    pub const ZERO: Self = Self(0);

    /// The offset `nanos` nanoseconds after the start of the run.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The offset `millis` milliseconds after the start of the run.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Nanoseconds since the start of the run.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this offset; zero if `earlier` is the later of the two.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This offset moved back by `by`, but not past the start of the run.
    #[must_use]
    pub fn back(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }
}

impl Add<Duration> for Offset {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

/// A reading of `CLOCK_MONOTONIC`, which the programs of a machine share until it restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonotonicTime(u64);

impl MonotonicTime {
    /// The reading of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since an arbitrary instant, on Linux the start of the machine.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The reading at `offset` of a run that started at this one.
    #[must_use]
    pub const fn at(self, offset: Offset) -> Self {
        Self(self.0.saturating_add(offset.0))
    }

    /// The offset of `reading` in a run that started at this one; zero if it lies before the start.
    pub const fn offset_of(self, reading: Self) -> Offset {
        Offset(reading.0.saturating_sub(self.0))
    }

    /// The time from `earlier` to this reading; zero if `earlier` is the later of the two.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for MonotonicTime {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

/// A date by a wall clock, as nanoseconds since the Unix epoch.
///
/// No method subtracts an earlier date from a later one: a wall clock can be stepped, so that would be no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The date `nanos` nanoseconds after the Unix epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How far two readings of one instant are apart, whichever is the later date.
    pub const fn abs_diff(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.abs_diff(other.0))
    }

    /// The date moved back by `by`; `None` if that lies before the Unix epoch.
    pub fn checked_sub(self, by: Duration) -> Option<Self> {
        self.0.checked_sub(nanos(by)).map(Self)
    }
}

impl Add<Duration> for UnixTime {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

/// One reading of the wall clock and the offset at which it was read, to turn offsets into dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The date that the machine's wall clock showed.
    pub date: UnixTime,
    /// The offset at which the wall clock was read.
    pub offset: Offset,
}

impl Anchor {
    /// The date of `offset` by this anchor.
    pub const fn date_at(&self, offset: Offset) -> UnixTime {
        UnixTime(self.date.0.saturating_add(offset.0).saturating_sub(self.offset.0))
    }
}

/// How far the machine's wall clock may be from true time, as the kernel reports it (adjtimex(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discipline {
    /// Whether NTP, PTP or the like keeps the clock synchronised.
    pub synchronised: bool,
    /// The kernel's estimate of the error.
    pub estimated_error: Duration,
    /// The kernel's upper bound of the error.
    pub maximum_error: Duration,
}

/// A duration in whole nanoseconds; saturates at `u64::MAX`, which is 584 years.
pub fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(duration.subsec_nanos()))
}

/// A measured duration with the interval in which the true one lies.
///
/// Prints as `412 ms (411 to 413)`. The bounds are rounded outwards, so that the printed interval still contains the
/// true duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// The best estimate of the true duration, within the bounds if made by [`Bounded::new`].
    pub estimate: Duration,
    /// The lower bound of the true duration.
    pub at_least: Duration,
    /// The upper bound of the true duration; `None` if nothing that was seen bounds it.
    pub at_most: Option<Duration>,
}

impl Bounded {
    /// A duration with its bounds. An estimate outside of them (slots were not sent, or sent late) is replaced by the
    /// nearest bound, which is the better figure.
    pub fn new(estimate: Duration, at_least: Duration, at_most: Option<Duration>) -> Self {
        let at_most = at_most.map(|at_most| at_most.max(at_least));
        let estimate = at_most.map_or(estimate, |at_most| estimate.min(at_most)).max(at_least);
        Self { estimate, at_least, at_most }
    }

    /// A duration that is known exactly: both bounds equal the estimate.
    pub const fn exact(duration: Duration) -> Self {
        Self { estimate: duration, at_least: duration, at_most: Some(duration) }
    }
}

impl fmt::Display for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Unit::of(self.estimate.max(self.at_least));
        let low = unit.number(self.at_least, Round::Down);
        write!(f, "{} {}", unit.number(self.estimate, Round::Nearest), unit.name())?;
        match self.at_most {
            Some(high) => write!(f, " ({low} to {})", unit.number(high, Round::Up)),
            None => write!(f, " ({low} or more)"),
        }
    }
}

/// A duration that prints in the unit that suits its size: `0.35 ms`, `412 ms`, `1.50 s`, `123.4 s`.
#[derive(Clone, Copy, Debug)]
pub struct Human(pub Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.0 < Duration::from_secs(1) { Unit::of(self.0) } else { Unit::of(self.0 * 10) };
        write!(f, "{} {}", unit.number(self.0, Round::Nearest), unit.name())
    }
}

#[derive(Clone, Copy)]
enum Round {
    Down,
    Nearest,
    Up,
}

/// A unit of time and the number of decimals to print.
#[derive(Clone, Copy)]
enum Unit {
    HundredthsOfMs,
    Ms,
    HundredthsOfS,
    TenthsOfS,
}

impl Unit {
    fn of(size: Duration) -> Self {
        match size.as_micros() {
            1..10_000 => Self::HundredthsOfMs,
            0 | 10_000..10_000_000 => Self::Ms,
            10_000_000..100_000_000 => Self::HundredthsOfS,
            _ => Self::TenthsOfS,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::HundredthsOfMs | Self::Ms => "ms",
            Self::HundredthsOfS | Self::TenthsOfS => "s",
        }
    }

    /// The nanoseconds of one step of the last printed digit, and the number of decimals.
    const fn step(self) -> (u128, usize) {
        match self {
            Self::HundredthsOfMs => (10_000, 2),
            Self::Ms => (1_000_000, 0),
            Self::HundredthsOfS => (10_000_000, 2),
            Self::TenthsOfS => (100_000_000, 1),
        }
    }

    fn number(self, duration: Duration, round: Round) -> String {
        let (step, digits) = self.step();
        let steps = match round {
            Round::Down => duration.as_nanos() / step,
            Round::Nearest => (duration.as_nanos() + step / 2) / step,
            Round::Up => duration.as_nanos().div_ceil(step),
        };
        if digits == 0 {
            return steps.to_string();
        }
        let scale = 10_u128.pow(u32::try_from(digits).unwrap_or(0));
        format!("{}.{:0digits$}", steps / scale, steps % scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(estimate: u64, at_least: u64, at_most: Option<u64>) -> String {
        Bounded {
            estimate: Duration::from_micros(estimate),
            at_least: Duration::from_micros(at_least),
            at_most: at_most.map(Duration::from_micros),
        }
        .to_string()
    }

    #[test]
    fn durations_print_with_their_bounds_rounded_outwards() {
        assert_eq!(micros(412_000, 411_900, Some(412_100)), "412 ms (411 to 413)");
        assert_eq!(micros(2_000, 0, Some(4_001)), "2.00 ms (0.00 to 4.01)");
        assert_eq!(micros(12_345_000, 12_341_000, None), "12.35 s (12.34 or more)");
        assert_eq!(micros(123_000_000, 122_990_000, Some(123_010_000)), "123.0 s (122.9 to 123.1)");
        assert_eq!(micros(0, 0, Some(0)), "0 ms (0 to 0)");
    }

    #[test]
    fn subtracting_offsets_stops_at_the_start_of_the_run() {
        assert_eq!(Offset::from_millis(1).since(Offset::from_millis(2)), Duration::ZERO);
        assert_eq!(Offset::from_millis(1).back(Duration::from_secs(1)), Offset::ZERO);
    }

    #[test]
    fn an_instant_has_an_offset_in_each_of_two_runs_of_a_machine() {
        let (one, other) = (MonotonicTime::from_nanos(1_000), MonotonicTime::from_nanos(4_000));
        let instant = one.at(Offset::from_nanos(5_000));
        assert_eq!(other.offset_of(instant), Offset::from_nanos(2_000));
        assert_eq!(other.offset_of(one), Offset::ZERO, "before the start of the other run");
    }
}
