//! The comparison as JSON with a schema, a stable interface for other programs.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::date;
use crate::json::document;
use crate::json::figure::{Figure as Duration, Share};
use crate::words::compare as words;
use lapse_compare as compare;
use lapse_measure::time::{Offset, nanos};

/// Value of the key `schema` in every comparison.
const SCHEMA: &str = "lapse/compare/v1";

/// Runs held against the first one. Values of keys that end in `_ns` are whole nanoseconds; shares are numbers from 0 to
/// 1, and differences of shares from -1 to 1.
#[derive(Serialize, JsonSchema)]
struct Comparison<'a> {
    /// Version of this layout: `lapse/compare/v1`.
    schema: &'static str,
    /// `no regression`, `regression` or `inconclusive`.
    conclusion: &'static str,
    /// Exit code of `lapse compare`: 0, 1 or 3.
    exit_code: u8,
    /// The conclusion as a clause.
    text: String,
    /// The first run, which the others are held against.
    base: Run<'a>,
    /// The other runs, in the order in which they were named.
    runs: Vec<Against<'a>>,
}

/// A run.
#[derive(Serialize, JsonSchema)]
struct Run<'a> {
    /// Name of the run in the comparison.
    name: &'a str,
    /// Date of the beginning of the run.
    started_at: String,
    /// Offset of the beginning of the event, at which runs are aligned.
    event_ns: u64,
    /// Length of the stretch that is compared, from the beginning of the event on.
    compared_ns: u64,
    /// Probes a second of each target.
    rate: u64,
    /// Verdict of the run by its own budgets.
    verdict: String,
}

/// A run held against the base.
#[derive(Serialize, JsonSchema)]
struct Against<'a> {
    /// The run.
    run: Run<'a>,
    /// `no regression`, `regression` or `inconclusive`.
    conclusion: &'static str,
    /// The figures, target by target.
    figures: Vec<FigureOfTwo<'a>>,
    /// What either run could see, target by target.
    sight: Vec<Sight<'a>>,
    /// Reasons why neither a regression nor its absence follows.
    doubts: &'a [String],
    /// What has no partner, and where the settings of the runs differ.
    remarks: &'a [String],
}

/// A figure of two runs.
#[derive(Serialize, JsonSchema)]
struct FigureOfTwo<'a> {
    /// `failed`, `downtime`, `disruption`, `outage`, `p50` or `p99`.
    figure: &'static str,
    /// The target or the lane.
    of: &'a str,
    /// What the base measured.
    base: Value,
    /// What the run measured.
    run: Value,
    /// How much more that is.
    difference: Difference,
    /// `better`, `worse`, `no difference` or `undecided`.
    change: &'static str,
    /// The difference as a clause; of an undecided one with the reason.
    text: String,
    /// Whether a change for the worse counts; a latency does only if `--tolerate` names it.
    counts: bool,
    /// Whether the figure is worse by more than what is tolerated.
    regression: bool,
}

/// A measured value: of `failed` the key `lost`, of all others `duration`.
#[derive(Serialize, JsonSchema)]
struct Value {
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Duration>,
}

/// Lost probes of a lane.
#[derive(Serialize, JsonSchema)]
struct Lost {
    failed: u64,
    resolved: u64,
    /// Share that failed, over the length for which the runs are compared, with its 95 % interval.
    share: Share,
}

/// A difference, the run less the base: of `failed` the key `share`, of all others `duration`.
#[derive(Serialize, JsonSchema)]
struct Difference {
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<ShareDifference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<TimeDifference>,
}

/// A difference of two shares, with the interval in which it lies.
#[derive(Serialize, JsonSchema)]
struct ShareDifference {
    estimate: f64,
    low: f64,
    high: f64,
}

/// A difference of two durations.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "these are the keys on the wire")]
struct TimeDifference {
    estimate_ns: i64,
    /// Null if the base has no upper bound.
    low_ns: Option<i64>,
    /// Null if the run has no upper bound.
    high_ns: Option<i64>,
}

/// What the base and the run could see of a target, in this order.
#[derive(Serialize, JsonSchema)]
struct Sight<'a> {
    target: &'a str,
    /// Blind time.
    blind_ns: [u64; 2],
    /// The longest outage that could have gone unseen.
    longest_unseen_ns: [u64; 2],
}

/// Writes the comparison as indented JSON with a final line end.
pub fn write(comparison: &compare::Comparison<'_>, out: &mut impl Write) -> io::Result<()> {
    let wire = Comparison {
        schema: SCHEMA,
        conclusion: comparison.conclusion.name(),
        exit_code: comparison.conclusion.exit_code(),
        text: words::why(comparison),
        base: Run::of(comparison.base),
        runs: comparison.against.iter().map(Against::of).collect(),
    };
    document::write(&wire, out)
}

/// The JSON Schema of the comparison, as committed in schema/compare.v1.json.
pub fn schema() -> String {
    document::schema::<Comparison<'_>>()
}

impl<'a> Run<'a> {
    fn of(run: &'a compare::Run) -> Self {
        Self {
            name: &run.name,
            started_at: date::rfc3339(run.record.about.anchor, Offset::ZERO),
            event_ns: run.event().as_nanos(),
            compared_ns: nanos(run.window().length()),
            rate: run.record.about.rate.get(),
            verdict: run.record.summary.verdict.conclusion.to_string(),
        }
    }
}

impl<'a> Against<'a> {
    fn of(one: &'a compare::Against<'_>) -> Self {
        let sight = |sight: &'a compare::Sight| Sight {
            target: &sight.of,
            blind_ns: sight.blind.map(nanos),
            longest_unseen_ns: sight.unseen.map(nanos),
        };
        Self {
            run: Run::of(one.run),
            conclusion: one.conclusion.name(),
            figures: one.figures.iter().map(FigureOfTwo::of).collect(),
            sight: one.sight.iter().map(sight).collect(),
            doubts: &one.doubts,
            remarks: &one.remarks,
        }
    }
}

impl<'a> FigureOfTwo<'a> {
    fn of(figure: &'a compare::Figure) -> Self {
        let change = match figure.change {
            compare::Change::Better => "better",
            compare::Change::Worse => "worse",
            compare::Change::NotShown(_) => "no difference",
            compare::Change::Undecided(_) => "undecided",
        };
        Self {
            figure: figure.measure.name(),
            of: &figure.of,
            base: Value::of(&figure.base),
            run: Value::of(&figure.run),
            difference: Difference::of(&figure.apart),
            change,
            text: words::difference(figure),
            counts: figure.counts,
            regression: figure.is_regression,
        }
    }
}

impl Value {
    fn of(value: &compare::Value) -> Self {
        match *value {
            compare::Value::Lost { failed, resolved, share } => {
                Self { lost: Some(Lost { failed, resolved, share: share.into() }), duration: None }
            }
            compare::Value::Time(time) => Self { lost: None, duration: Some(time.into()) },
        }
    }
}

impl Difference {
    fn of(apart: &compare::Apart) -> Self {
        match *apart {
            compare::Apart::Share(apart) => {
                let share = ShareDifference { estimate: apart.estimate, low: apart.low, high: apart.high };
                Self { share: Some(share), duration: None }
            }
            compare::Apart::Time(compare::TimeDifference { estimate, low, high }) => {
                let time = TimeDifference { estimate_ns: estimate, low_ns: low, high_ns: high };
                Self { share: None, duration: Some(time) }
            }
        }
    }
}
