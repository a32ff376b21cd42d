//! What is read of a report.json; all else in it is ignored.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Value of the key `schema` in the reports that can be read.
pub(super) const SCHEMA: &str = "lapse/report/v1";

#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) schema: String,
    pub(super) run: Run,
    pub(super) targets: Vec<Target>,
    #[serde(default)]
    pub(super) failures: Failures,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) anchor: Anchor,
    pub(super) length_ns: u64,
    /// Slots a second of each target.
    pub(super) rate: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Anchor {
    pub(super) unix_ns: u64,
    pub(super) offset_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) lanes: Vec<Lane>,
    #[serde(default)]
    pub(super) episodes: Vec<Stretch>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lane {
    pub(super) policy: String,
    pub(super) protocol: String,
    /// Probes that came to an answer.
    pub(super) resolved: u64,
    #[serde(default)]
    pub(super) classes: BTreeMap<String, u64>,
    #[serde(default)]
    pub(super) sent_to_done: Option<Quantiles>,
    #[serde(default)]
    pub(super) outages: Vec<Outage>,
    #[serde(default)]
    pub(super) disruptions: Vec<Disruption>,
}

/// From the first failed slot to the last.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Stretch {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Outage {
    #[serde(flatten)]
    pub(super) stretch: Stretch,
    #[serde(default)]
    pub(super) classes: BTreeMap<String, u64>,
    pub(super) failed: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Disruption {
    #[serde(flatten)]
    pub(super) stretch: Stretch,
    pub(super) failed: u64,
    pub(super) resolved: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
pub(super) struct Quantiles {
    pub(super) p50_ns: u64,
    pub(super) p90_ns: u64,
    pub(super) p99_ns: u64,
    pub(super) p999_ns: u64,
    pub(super) max_ns: u64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Failures {
    #[serde(default)]
    pub(super) kept: Vec<Failure>,
}

/// A failed probe.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) target: String,
    pub(super) lane: String,
    pub(super) slot: u64,
    pub(super) due_ns: u64,
    pub(super) sent_ns: u64,
    pub(super) done_ns: u64,
    pub(super) class: String,
    #[serde(default)]
    pub(super) timed_out: bool,
    #[serde(default)]
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) server: Option<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) detail: String,
}
