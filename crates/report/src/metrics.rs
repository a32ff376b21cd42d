//! The metrics of a run: their names, units, meanings and samples, defined once for the `OpenMetrics` file, for Prometheus
//! and for OTLP.
//!
//! All are cumulative from the start of the run: an outage of 400 ms lies between two scrapes, so a state would not show
//! it. What nothing that comes later can lower is a counter. Durations with bounds and the numbers of outages are figures
//! of the run so far, which a late answer may correct, so they are none.

mod families;
mod otlp;
mod prometheus;
mod server;
mod spans;

use std::fmt;
use std::time::Duration;

pub use self::otlp::Resource;
pub(crate) use self::prometheus::escaped;
pub use self::server::ServerFigures;
pub use self::spans::{Ids, spans};
use lapse_measure::time::UnixTime;

/// The metrics of a run, as far as it has been measured.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The date at which the run began.
    began: UnixTime,
    families: Vec<Family>,
}

impl Metrics {
    /// The same as those of the trial of this number: each sample has it as the label `trial`.
    #[must_use]
    pub fn of_trial(mut self, number: u16) -> Self {
        for family in &mut self.families {
            let all: Vec<_> = match &mut family.data {
                Data::Numbers(_, samples) => samples.iter_mut().map(|sample| &mut sample.labels).collect(),
                Data::Histograms(samples) => samples.iter_mut().map(|sample| &mut sample.labels).collect(),
            };
            for labels in all {
                labels.push(("trial", Label::Number(number)));
            }
        }
        self
    }
}

/// Samples with one name, unit and meaning.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// The name by the conventions of OpenTelemetry, from which that for Prometheus follows.
    name: &'static str,
    help: &'static str,
    unit: Unit,
    data: Data,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    /// A count of what the annotation names, such as `{probe}`.
    Of(&'static str),
    /// A state or a code.
    None,
}

/// The samples of a family.
#[derive(Clone, Debug)]
enum Data {
    Numbers(Kind, Vec<Sample<Number>>),
    Histograms(Vec<Sample<Histogram>>),
}

/// What may become of a number while the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It never falls.
    Counter,
    /// A sum from the start of the run, which may be corrected.
    Sum,
    /// A state or an extreme.
    Gauge,
}

/// A value and what it is of.
#[derive(Clone, Debug)]
struct Sample<T> {
    labels: Vec<(&'static str, Label)>,
    value: T,
}

/// The value of a label, made harmless.
#[derive(Clone, Debug)]
enum Label {
    Text(String),
    Number(u16),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
enum Number {
    Count(u64),
    Time(Duration),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Time(time) => f.write_str(&seconds(*time)),
        }
    }
}

/// Durations counted between borders.
#[derive(Clone, Debug)]
struct Histogram {
    borders: &'static [Duration],
    /// For each border the number of durations that do not exceed it.
    up_to: Vec<u64>,
    count: u64,
    sum: Duration,
}

/// Seconds to the nanosecond, without rounding.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
}

impl Family {
    /// The name for Prometheus, without the `_total` of a counter.
    fn exposed_name(&self) -> String {
        let unit = if self.unit == Unit::Seconds { "_seconds" } else { "" };
        format!("{}{unit}", self.name.replace('.', "_"))
    }
}

#[cfg(test)]
mod tests;
