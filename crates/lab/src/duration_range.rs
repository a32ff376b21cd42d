//! Durations as a scenario writes them: `250ms`, `1.5s`, `1m30s`, or a range `200ms..600ms`.
//!
//! A range is drawn from anew at each use. Bare numbers are refused, because they hide their unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration, or a range of durations whose ends are in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DurationRange {
    low: Duration,
    high: Duration,
}

/// Why a text is not a duration or a range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text has no number with a unit.
    #[error("{0:?} is not a length of time: write one such as 250ms, 1.5s, 2m or 200ms..600ms")]
    Unreadable(String),
    /// The range ends before it begins.
    #[error("the range {0:?} ends before it begins: write the shorter length first")]
    Backwards(String),
}

impl DurationRange {
    /// The duration 0.
    pub const ZERO: Self = Self::exactly(Duration::ZERO);

    /// The range that contains `length` alone.
    pub const fn exactly(length: Duration) -> Self {
        Self { low: length, high: length }
    }

    /// The range that contains `millis` milliseconds alone.
    pub const fn millis(millis: u64) -> Self {
        Self::exactly(Duration::from_millis(millis))
    }

    /// The shortest duration of the range.
    pub const fn low(&self) -> Duration {
        self.low
    }

    /// The longest duration of the range.
    pub const fn high(&self) -> Duration {
        self.high
    }

    /// The range from one duration to another, in whichever order they come.
    pub fn between(one: Duration, other: Duration) -> Self {
        Self { low: one.min(other), high: one.max(other) }
    }

    /// Whether the range is the duration 0 alone.
    pub const fn is_nothing(&self) -> bool {
        self.high.is_zero()
    }

    /// Draws a duration from the range, uniformly, ends included.
    pub fn draw(&self) -> Duration {
        self.low + self.high.saturating_sub(self.low).mul_f64(fastrand::f64())
    }

    /// Whether `length` is in the range, ends included.
    pub fn contains(&self, length: Duration) -> bool {
        (self.low..=self.high).contains(&length)
    }
}

/// As it is read: `250ms`, `3s`, `300ms..700ms`.
impl fmt::Display for DurationRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_length(f, self.low)?;
        if self.low == self.high {
            return Ok(());
        }
        f.write_str("..")?;
        write_length(f, self.high)
    }
}

impl Serialize for DurationRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whole seconds, or the largest unit below of which it is a whole number.
fn write_length(f: &mut fmt::Formatter<'_>, length: Duration) -> fmt::Result {
    let nanos = length.subsec_nanos();
    match (length.as_secs(), nanos) {
        (_, 0) if !length.is_zero() => write!(f, "{}s", length.as_secs()),
        _ if nanos.is_multiple_of(1_000_000) => write!(f, "{}ms", length.as_millis()),
        _ => write!(f, "{}", humantime::format_duration(length)),
    }
}

impl FromStr for DurationRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unreadable = || Error::Unreadable(text.to_owned());
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let low = length(low).ok_or_else(unreadable)?;
        let high = length(high).ok_or_else(unreadable)?;
        if high < low { Err(Error::Backwards(text.to_owned())) } else { Ok(Self { low, high }) }
    }
}

impl TryFrom<String> for DurationRange {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// The grammar of the command line's durations, so that `1m30s` means the same in both places.
fn length(text: &str) -> Option<Duration> {
    humantime::parse_duration(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_and_ranges_are_read_and_the_rest_is_refused() {
        assert_eq!("1.5s".parse(), Ok(DurationRange::millis(1500)));
        assert_eq!("1m30s".parse(), Ok(DurationRange::millis(90_000)));
        let range: DurationRange = "200ms..2s".parse().unwrap();
        assert_eq!((range.low(), range.high()), (Duration::from_millis(200), Duration::from_secs(2)));
        for text in ["", "5", "ms", "-1s", "5 lightyears", "1s..", "inf s", "9e99s"] {
            assert!(matches!(text.parse::<DurationRange>(), Err(Error::Unreadable(_))), "{text:?}");
        }
        assert_eq!("2s..1s".parse::<DurationRange>(), Err(Error::Backwards("2s..1s".into())));
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_in_the_range(low in 0_u32..10_000, more in 0_u32..10_000) {
            let span: DurationRange = format!("{low}ms..{}ms", low + more).parse().unwrap();
            prop_assert!(span.contains(span.draw()));
        }

        #[test]
        fn what_is_written_is_read_back(low in any::<u32>(), more in any::<u32>(), unit in prop::sample::select(vec![1, 1_000_000, 1_000_000_000])) {
            let length = |count: u32| Duration::from_nanos(u64::from(count) * unit);
            let range = DurationRange::between(length(low), length(low) + length(more));
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,12}") {
            let _ = text.parse::<DurationRange>();
        }
    }
}
