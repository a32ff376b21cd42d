//! Values that occur everywhere in the report.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::measure::answer::Class;
use crate::measure::latency::Distribution;
use crate::measure::time::{self, nanos};

/// How many.
pub(super) type Count = u64;

/// A measured duration with the interval in which the true one lies.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each key")]
pub(super) struct Bounded {
    /// The best single figure.
    estimate_ns: u64,
    /// The true duration is not below this.
    at_least_ns: u64,
    /// The true duration is not above this; null where the run cannot say.
    at_most_ns: Option<u64>,
}

/// Quantiles of a distribution of durations.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each key")]
pub(super) struct Quantiles {
    p50_ns: u64,
    p90_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

impl From<time::Bounded> for Bounded {
    fn from(bounded: time::Bounded) -> Self {
        Self {
            estimate_ns: nanos(bounded.estimate),
            at_least_ns: nanos(bounded.at_least),
            at_most_ns: bounded.at_most.map(nanos),
        }
    }
}

impl Quantiles {
    /// Of those counted; `None` if none was.
    pub(super) fn of(distribution: &Distribution) -> Option<Self> {
        let quantile = |share| distribution.quantile(share).map(nanos);
        Some(Self {
            p50_ns: quantile(0.5)?,
            p90_ns: quantile(0.9)?,
            p99_ns: quantile(0.99)?,
            p999_ns: quantile(0.999)?,
            max_ns: distribution.longest().map(nanos)?,
        })
    }
}

/// Counts by the spelling of the class.
pub(super) fn classes(classes: &BTreeMap<Class, u64>) -> BTreeMap<String, u64> {
    classes.iter().map(|(class, count)| (class.to_string(), *count)).collect()
}

/// A share, or nothing if it is no number: JSON has none of those.
pub(super) fn share(share: f64) -> Option<f64> {
    share.is_finite().then_some(share)
}

/// Nanoseconds.
pub(super) fn ns(duration: Duration) -> u64 {
    nanos(duration)
}
