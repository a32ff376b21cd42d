//! Durations with their bounds, stretches of time and quantiles, as every part of the report writes them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::binomial;
use lapse_measure::disruption::Certainty;
use lapse_measure::latency::Distribution;
use lapse_measure::span::Span;
use lapse_measure::time::{Bounded, nanos};

/// A measured duration with the interval in which the true one lies.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
pub(crate) struct Figure {
    /// The best single figure.
    estimate_ns: u64,
    /// The true duration is not below this.
    at_least_ns: u64,
    /// The true duration is not above this; null where the run cannot say.
    at_most_ns: Option<u64>,
}

impl From<Bounded> for Figure {
    fn from(bounded: Bounded) -> Self {
        Self {
            estimate_ns: nanos(bounded.estimate),
            at_least_ns: nanos(bounded.at_least),
            at_most_ns: bounded.at_most.map(nanos),
        }
    }
}

/// A measured duration whose interval may be that of a sample.
#[derive(Serialize, JsonSchema)]
pub(super) struct SampledFigure {
    #[serde(flatten)]
    figure: Figure,
    /// Certainty of the interval: `certain`, or `95 %` where only a share of the probes was lost.
    bounds: &'static str,
}

impl SampledFigure {
    pub(super) fn of(bounded: Bounded, certainty: Certainty) -> Self {
        Self { figure: bounded.into(), bounds: certainty.name() }
    }
}

/// A share with its 95 % interval, each from 0 to 1.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Share {
    estimate: f64,
    low: f64,
    high: f64,
}

impl From<binomial::Share> for Share {
    fn from(share: binomial::Share) -> Self {
        Self { estimate: share.estimate, low: share.low, high: share.high }
    }
}

/// A stretch of time: its first instant, and the first one after it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Stretch {
    from_ns: u64,
    to_ns: u64,
}

impl From<Span> for Stretch {
    fn from(span: Span) -> Self {
        Self { from_ns: span.from.as_nanos(), to_ns: span.to.as_nanos() }
    }
}

/// How durations are distributed. The longest is exact, the others hold to two or three digits.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
pub(super) struct Quantiles {
    p50_ns: u64,
    p90_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

impl Quantiles {
    /// The quantiles of `all`; `None` if nothing was counted.
    pub(super) fn of(all: &Distribution) -> Option<Self> {
        let quantile = |share: f64| nanos(all.quantile(share).unwrap_or(Duration::ZERO));
        Some(Self {
            max_ns: nanos(all.longest()?),
            p50_ns: quantile(0.5),
            p90_ns: quantile(0.9),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
        })
    }
}
