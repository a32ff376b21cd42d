//! The trials as JSON with a schema, a stable interface for other programs.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::date;
use crate::json::document;
use crate::json::figure::{Figure, Share};
use crate::words::trials as words;
use crate::words::verdict::breach;
use lapse_compare::Value;
use lapse_compare::trials as core;
use lapse_measure::time::{Offset, nanos};

/// Value of the key `schema` in every report of trials.
const SCHEMA: &str = "lapse/trials/v1";

/// Several trials of one rollout. Values of keys that end in `_ns` are whole nanoseconds; shares are numbers from 0 to 1.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
struct Trials<'a> {
    /// Version of this layout: `lapse/trials/v1`.
    schema: &'static str,
    /// `pass`, `fail`, `inconclusive`, `command-failed` or `interrupted`.
    conclusion: String,
    /// Exit code of `lapse run --trials`: 0, 1, 3, 4 or 130.
    exit_code: u8,
    /// The conclusion as a clause.
    text: String,
    /// Number of trials that were to be made.
    planned: u64,
    /// Number of trials that were whole, which all figures are of.
    whole: u64,
    /// Number of whole trials in which no probe failed.
    without_loss: u64,
    /// Share of these among the whole ones, with its 95 % interval.
    without_loss_share: Share,
    /// The trials that were made, by number.
    trials: Vec<Trial<'a>>,
    /// Those that were not, or that cannot be read, by number.
    missing: Vec<Missing<'a>>,
    /// How each figure differs between the whole trials; empty if none was whole.
    figures: Vec<Spread>,
}

/// What a trial came to from the beginning of its event on; of several targets the worst.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
struct Trial<'a> {
    /// Number of the trial; its folder is `trial-NUMBER`.
    trial: u16,
    /// Name that the run was given.
    name: &'a str,
    /// Date of its beginning.
    started_at: String,
    /// Verdict by its own budgets.
    verdict: String,
    /// The budgets that it exceeded, each with the figure and the limit.
    exceeded: Vec<String>,
    /// How its command ended; null unless that failed.
    command_failed: Option<&'a str>,
    /// Reasons why it proves neither pass nor fail.
    in_doubt: &'a [String],
    /// Why it may have lost more than it shows, so that it counts in no figure; null if it was whole.
    not_whole: Option<&'a str>,
    failed: u64,
    resolved: u64,
    failed_share: Share,
    downtime: Figure,
    longest_disruption: Figure,
    longest_outage: Figure,
    longest_unseen_ns: u64,
    /// Time from the beginning of the event to its end; null if nothing was rolled out.
    rollout_ns: Option<u64>,
    /// Time from the start of the command to its exit; null if there was none.
    command_ns: Option<u64>,
    /// Length of the whole trial.
    length_ns: u64,
}

/// A trial that left nothing to report.
#[derive(Serialize, JsonSchema)]
struct Missing<'a> {
    trial: u16,
    /// Why its journal cannot be read; null if it was never made.
    why: Option<&'a str>,
}

/// A figure over all whole trials. Each of the three is what one trial measured; of an even number of trials the median is
/// the lower of both in the middle.
#[derive(Serialize, JsonSchema)]
struct Spread {
    /// `downtime`, `disruption`, `outage`, `failed`, `rollout` or `command`.
    figure: &'static str,
    /// `loss-derived`, `gated`, `timestamps`, `loss share` or `event-stamped`.
    method: &'static str,
    least: Point,
    median: Point,
    most: Point,
}

/// What a trial measured: of `failed` the key `share`, of all others `duration`.
#[derive(Serialize, JsonSchema)]
struct Point {
    /// Number of the trial.
    trial: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Figure>,
}

/// Writes the trials as indented JSON with a final line end.
pub fn write(trials: &core::Trials, out: &mut impl Write) -> io::Result<()> {
    let wire = Trials {
        schema: SCHEMA,
        conclusion: trials.conclusion.to_string(),
        exit_code: trials.conclusion.exit_code(),
        text: words::why(trials),
        planned: trials.planned(),
        whole: trials.whole,
        without_loss: trials.without_loss,
        without_loss_share: trials.share.into(),
        trials: trials.trials.iter().map(Trial::of).collect(),
        missing: trials.missing.iter().map(|one| Missing { trial: one.number, why: one.why.as_deref() }).collect(),
        figures: trials.spreads.iter().map(Spread::of).collect(),
    };
    document::write(&wire, out)
}

/// The JSON Schema of the trials, as committed in schema/trials.v1.json.
pub fn schema() -> String {
    document::schema::<Trials<'_>>()
}

impl<'a> Trial<'a> {
    fn of(trial: &'a core::Trial) -> Self {
        let line = &trial.line;
        Self {
            trial: trial.number,
            name: &line.release,
            started_at: date::rfc3339(line.anchor, Offset::ZERO),
            verdict: trial.conclusion().to_string(),
            exceeded: trial.breaches.iter().map(breach).collect(),
            command_failed: trial.command_failed.as_deref(),
            in_doubt: &trial.inconclusive,
            not_whole: line.unknown.as_deref(),
            failed: line.failed,
            resolved: line.resolved,
            failed_share: line.share.into(),
            downtime: line.downtime.into(),
            longest_disruption: line.disruption.into(),
            longest_outage: line.outage.into(),
            longest_unseen_ns: nanos(line.unseen),
            rollout_ns: trial.rollout.map(nanos),
            command_ns: trial.command.map(nanos),
            length_ns: nanos(trial.length),
        }
    }
}

impl Spread {
    fn of(spread: &core::Spread) -> Self {
        let [least, median, most] = [spread.least, spread.median, spread.most].map(Point::of);
        Self { figure: spread.of.name(), method: words::method(spread.of), least, median, most }
    }
}

impl Point {
    fn of(core::Point { trial, value }: core::Point) -> Self {
        match value {
            Value::Lost { share, .. } => Self { trial, share: Some(share.into()), duration: None },
            Value::Time(time) => Self { trial, share: None, duration: Some(time.into()) },
        }
    }
}
