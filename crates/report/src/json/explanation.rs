//! Why requests were lost: the likely causes of each case, and what the hops come to.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_explain::explanation as explain;
use lapse_measure::time::nanos;
use lapse_record::record::Record;

/// Why requests were lost or slow.
#[derive(Serialize, JsonSchema)]
pub(super) struct Explanation<'a> {
    /// The cases, by target and then by time; empty if nothing was lost and no answer was slow.
    cases: Vec<Case<'a>>,
    /// Number of further cases, each of which lost less than these, and which were not looked into.
    cases_left_out: u64,
    /// The hop that lost the requests, a sentence for each stretch; empty if the run had one target.
    lost_between: Vec<String>,
    /// How long each target lost requests after pods were deleted; a target that did not has none.
    lags: Vec<HopLag<'a>>,
    /// The part of these that a stalled control plane added, a sentence each.
    stalls: Vec<String>,
}

/// An episode of failures, or a stretch of slow answers without any.
#[derive(Serialize, JsonSchema)]
struct Case<'a> {
    /// The name of the target.
    target: &'a str,
    /// When the first slot that failed, or was slow, was due.
    from_ns: u64,
    /// When the last one was due.
    to_ns: u64,
    /// Number of failed probes.
    failed: u64,
    /// Number of slow answers.
    slow: u64,
    /// The causes that fit, the likeliest first; empty if none has enough evidence.
    causes: Vec<Cause>,
}

/// A cause with its evidence.
#[derive(Serialize, JsonSchema)]
struct Cause {
    /// Name of the cause, as `lapse causes NAME` takes it.
    name: &'static str,
    /// The cause in one sentence.
    title: &'static str,
    /// `likely` or `possible`.
    confidence: &'static str,
    /// Points from 0 to 100: those of the evidence less those of what is against it.
    score: u8,
    /// The evidence, the strongest first.
    evidence: Vec<Evidence>,
    /// The evidence against it.
    against: Vec<Evidence>,
    /// Evidence that the record cannot show, with what would show it.
    missing: Vec<String>,
    /// The cure in words.
    remedy: &'static str,
    /// The cure with the figures of this case; null if there is none but the one in words.
    fix: Option<Fix>,
    /// The measurement that tells this cause from its neighbours.
    tell_apart: &'static str,
}

/// A piece of evidence.
#[derive(Serialize, JsonSchema)]
struct Evidence {
    /// The points that it adds or costs.
    points: u8,
    /// The evidence in a sentence.
    text: String,
}

/// The cure of a case.
#[derive(Serialize, JsonSchema)]
struct Fix {
    /// The change in one sentence.
    says: String,
    /// The YAML to change; empty if the cure is in no manifest.
    yaml: String,
    /// What it costs; empty if nothing.
    costs: String,
}

/// The time for which requests through a hop still met pods that were being deleted.
#[derive(Serialize, JsonSchema)]
struct HopLag<'a> {
    /// The name of the target that stands for the hop.
    target: &'a str,
    /// The longest time from a pod's deletion to the last failure that followed it.
    lag_ns: u64,
    /// The pod of that deletion.
    pod: String,
    /// The preStop sleep that covers the lag, with half as much again to spare, in seconds.
    sleep_seconds: u64,
}

impl<'a> Explanation<'a> {
    pub(super) fn of(record: &'a Record, explanation: &explain::Explanation) -> Self {
        let hops = &explanation.hops;
        let lag = |lag: &lapse_explain::hop::HopLag| HopLag {
            target: &record.summary.target(lag.target).name,
            lag_ns: nanos(lag.lag),
            pod: lag.pod.clone(),
            sleep_seconds: lag.sleep_seconds,
        };
        Self {
            cases: explanation.cases.iter().map(|case| Case::of(record, case)).collect(),
            cases_left_out: explanation.left_out,
            lost_between: hops.lost.clone(),
            lags: hops.lags.iter().map(lag).collect(),
            stalls: hops.stalls.clone(),
        }
    }
}

impl<'a> Case<'a> {
    fn of(record: &'a Record, case: &explain::Explained) -> Self {
        Self {
            target: &record.summary.target(case.target).name,
            from_ns: case.span.from.as_nanos(),
            to_ns: case.span.to.as_nanos(),
            failed: case.failed,
            slow: case.slow,
            causes: case.findings.iter().map(Cause::of).collect(),
        }
    }
}

impl Cause {
    fn of(finding: &explain::Finding) -> Self {
        let all = |pieces: &[explain::Evidence]| {
            pieces.iter().map(|one| Evidence { points: one.points, text: one.text.clone() }).collect()
        };
        Self {
            name: finding.cause.name,
            title: finding.cause.title,
            confidence: finding.confidence(),
            score: finding.score,
            evidence: all(&finding.evidence),
            against: all(&finding.against),
            missing: finding.missing.clone(),
            remedy: finding.cause.remedy,
            fix: finding.fix.clone().map(|fix| Fix { says: fix.says, yaml: fix.yaml, costs: fix.costs }),
            tell_apart: finding.cause.tell_apart,
        }
    }
}
