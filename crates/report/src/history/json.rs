//! The history as JSON with a schema, a stable interface for other programs.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::date;
use crate::json::document;
use crate::json::figure::{Figure, Share};
use lapse_compare::history as core;
use lapse_measure::time::{Offset, nanos};

/// Value of the key `schema` in every history.
const SCHEMA: &str = "lapse/history/v1";

/// Runs in the order of time. Values of keys that end in `_ns` are whole nanoseconds; shares are numbers from 0 to 1.
#[derive(Serialize, JsonSchema)]
struct History<'a> {
    /// Version of this layout: `lapse/history/v1`.
    schema: &'static str,
    /// The runs, the earliest first.
    runs: Vec<Run<'a>>,
    /// The figures over all whole runs; empty if no run was whole.
    figures: Vec<Series>,
}

/// What a run came to from the beginning of its event on; of several targets the worst.
#[derive(Serialize, JsonSchema)]
struct Run<'a> {
    /// Name of the run: that of its folder.
    name: &'a str,
    /// Name that the run was given.
    release: &'a str,
    /// Date of its beginning.
    started_at: String,
    /// Verdict by its own budgets.
    verdict: String,
    /// Why it may have lost more than it shows, so that it counts in no figure; null if it was whole.
    not_whole: Option<&'a str>,
    failed: u64,
    resolved: u64,
    failed_share: Share,
    downtime: Figure,
    longest_disruption: Figure,
    longest_outage: Figure,
    longest_unseen_ns: u64,
}

/// A figure over all whole runs: of `failed` shares, of all others seconds.
#[derive(Serialize, JsonSchema)]
struct Series {
    /// `failed`, `downtime`, `disruption` or `outage`.
    figure: &'static str,
    p50: f64,
    p90: f64,
    max: f64,
    /// `rises`, `falls` or `none shown`.
    trend: &'static str,
    /// The flag of `lapse run` that limits the figure.
    budget: &'static str,
    /// The least limit that nine of ten runs would have kept; null where none would do.
    limit_for_9_of_10: Option<f64>,
    /// The least limit that all runs would have kept; null where none would do.
    limit_for_all: Option<f64>,
}

/// Writes the history as indented JSON with a final line end.
pub fn write(history: &core::History, out: &mut impl Write) -> io::Result<()> {
    let wire = History {
        schema: SCHEMA,
        runs: history.lines.iter().map(Run::of).collect(),
        figures: history.series.iter().map(Series::of).collect(),
    };
    document::write(&wire, out)
}

/// The JSON Schema of the history, as committed in schema/history.v1.json.
pub fn schema() -> String {
    document::schema::<History<'_>>()
}

impl<'a> Run<'a> {
    fn of(line: &'a core::Line) -> Self {
        Self {
            name: &line.name,
            release: &line.release,
            started_at: date::rfc3339(line.anchor, Offset::ZERO),
            verdict: line.verdict.to_string(),
            not_whole: line.unknown.as_deref(),
            failed: line.failed,
            resolved: line.resolved,
            failed_share: line.share.into(),
            downtime: line.downtime.into(),
            longest_disruption: line.disruption.into(),
            longest_outage: line.outage.into(),
            longest_unseen_ns: nanos(line.unseen),
        }
    }
}

impl Series {
    fn of(series: &core::Series) -> Self {
        Self {
            figure: series.of.name(),
            p50: series.p50,
            p90: series.p90,
            max: series.most,
            trend: series.tendency.name(),
            budget: series.of.flag(),
            limit_for_9_of_10: series.holds_for_p90,
            limit_for_all: series.holds_for_all,
        }
    }
}
