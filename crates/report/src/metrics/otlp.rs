//! The metrics in the JSON encoding of OTLP.
//!
//! Format: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>. Integers of 64 bits are texts there.

use serde_json::{Value, json};

use super::{Data, Family, Histogram, Kind, Label, Metrics, Number, Sample, Unit};
use lapse_measure::time::UnixTime;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// What the data are of, as attributes: the service, its version and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource(pub Vec<(String, String)>);

impl Metrics {
    /// The request that exports the metrics as of the date `at`.
    pub fn otlp(&self, resource: &Resource, at: UnixTime) -> Value {
        let time = Time { began: self.began, at };
        let metrics: Vec<_> = self.families.iter().map(|family| metric(family, time)).collect();
        let scoped = json!({"scope": scope(), "metrics": metrics});
        json!({"resourceMetrics": [{"resource": resource.json(), "scopeMetrics": [scoped]}]})
    }
}

impl Resource {
    pub(crate) fn json(&self) -> Value {
        let attribute = |(key, value): &(String, String)| json!({"key": key, "value": {"stringValue": value}});
        json!({"attributes": self.0.iter().map(attribute).collect::<Vec<_>>()})
    }
}

/// The instrumentation that the data come from.
pub(crate) fn scope() -> Value {
    json!({"name": "lapse", "version": env!("CARGO_PKG_VERSION")})
}

/// A date as OTLP has it.
pub(crate) fn nanos(date: UnixTime) -> String {
    date.as_nanos().to_string()
}

/// The time that a data point covers.
#[derive(Clone, Copy)]
struct Time {
    began: UnixTime,
    at: UnixTime,
}

fn metric(family: &Family, time: Time) -> Value {
    let unit = match family.unit {
        Unit::Seconds => "s",
        Unit::Of(counted) => counted,
        Unit::None => "1",
    };
    let (kind, data) = match &family.data {
        Data::Numbers(Kind::Gauge, samples) => ("gauge", json!({"dataPoints": points(samples, time, number)})),
        Data::Numbers(kind, samples) => {
            let is_monotonic = *kind == Kind::Counter;
            let points = points(samples, time, number);
            ("sum", json!({"aggregationTemporality": CUMULATIVE, "isMonotonic": is_monotonic, "dataPoints": points}))
        }
        Data::Histograms(samples) => {
            let points = points(samples, time, histogram);
            ("histogram", json!({"aggregationTemporality": CUMULATIVE, "dataPoints": points}))
        }
    };
    json!({"name": family.name, "description": family.help, "unit": unit, kind: data})
}

fn points<T>(samples: &[Sample<T>], time: Time, value: fn(&T) -> Value) -> Vec<Value> {
    let point = |sample: &Sample<T>| {
        let mut point = value(&sample.value);
        let attribute = |(key, value): &(&str, Label)| {
            let value = match value {
                Label::Text(text) => json!({"stringValue": text}),
                Label::Number(number) => json!({"intValue": number.to_string()}),
            };
            json!({"key": key, "value": value})
        };
        point["attributes"] = sample.labels.iter().map(attribute).collect();
        point["startTimeUnixNano"] = nanos(time.began).into();
        point["timeUnixNano"] = nanos(time.at).into();
        point
    };
    samples.iter().map(point).collect()
}

fn number(number: &Number) -> Value {
    match number {
        Number::Count(count) => json!({"asInt": count.to_string()}),
        Number::Time(time) => json!({"asDouble": time.as_secs_f64()}),
    }
}

fn histogram(all: &Histogram) -> Value {
    let up_to: Vec<_> = all.up_to.iter().copied().chain([all.count]).collect();
    let before = [0].into_iter().chain(up_to.iter().copied());
    let counts = up_to.iter().zip(before).map(|(count, before)| (count - before).to_string());
    let borders: Vec<_> = all.borders.iter().map(std::time::Duration::as_secs_f64).collect();
    json!({
        "count": all.count.to_string(),
        "sum": all.sum.as_secs_f64(),
        "explicitBounds": borders,
        "bucketCounts": counts.collect::<Vec<_>>(),
    })
}
