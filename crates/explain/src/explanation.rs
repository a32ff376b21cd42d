//! The explanation of a run: for each case the likely causes, ranked, with their evidence.

use crate::case::Case;
use crate::cause::{Cause, Fix, Outcome, Rule};
use crate::causes;
use crate::hop::{self, Hops};
use crate::smell::Smell;
use crate::world::World;
use lapse_measure::lane::TargetId;
use lapse_measure::span::Span;
use lapse_record::record::Record;

/// A cause with fewer points than this is not named.
pub const LEAST: u8 = 40;
/// From here on a cause is called likely, below it possible.
pub const LIKELY: u8 = 65;
/// The points that a smell in the manifests adds, and that a clean manifest takes away.
const SMELL: u8 = 10;
/// The most causes that are named of one case.
const MAX_CAUSES: usize = 4;

/// The explanation of a run.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The cases, by target and then by time; empty if nothing was lost or slow.
    pub cases: Vec<Explained>,
    /// The number of further cases, each of which cost less than these, and which were not looked into.
    pub left_out: u64,
    /// The hop that lost the requests, and the sleep that each hop asks for.
    pub hops: Hops,
}

/// A case with its causes.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The target that lost requests.
    pub target: TargetId,
    /// From the first to the last slot that failed or was slow, by due times.
    pub span: Span,
    /// The number of failed probes; 0 if answers were only slow.
    pub failed: u64,
    /// The number of slow answers.
    pub slow: u64,
    /// The causes, the likeliest first; empty if the case is not explained.
    pub findings: Vec<Finding>,
}

/// A cause of a case, with what speaks for and against it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The cause.
    pub cause: &'static Cause,
    /// The points of its rules that were met less those that were contradicted, from [`LEAST`] to 100.
    pub score: u8,
    /// The evidence for it, with points, the strongest first.
    pub evidence: Vec<Evidence>,
    /// The evidence against it, with the points that it cost.
    pub against: Vec<Evidence>,
    /// The evidence that the record cannot show, each with what would show it.
    pub missing: Vec<String>,
    /// The cure, with the run's own figures; `None` where the cause's remedy in words is all.
    pub fix: Option<Fix>,
}

/// A piece of evidence in a sentence, with its points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The points that it added, or cost.
    pub points: u8,
    /// The sentence, with figures and offsets from the start of the run.
    pub text: String,
}

impl Explained {
    /// Whether a preStop sleep would cure the first cause.
    fn is_cured_by_a_sleep(&self) -> bool {
        let fix = self.findings.first().and_then(|finding| finding.fix.as_ref());
        fix.is_some_and(|fix| fix.sleep_seconds.is_some())
    }
}

impl Finding {
    /// `likely` or `possible`.
    pub const fn confidence(&self) -> &'static str {
        if self.score >= LIKELY { "likely" } else { "possible" }
    }
}

impl Explanation {
    /// Explains a run by its record alone.
    pub fn of(record: &Record) -> Self {
        Self::with(record, &[])
    }

    /// Explains a run by its record and by what a linter found in its manifests.
    pub fn with(record: &Record, smells: &[Smell]) -> Self {
        let world = World::of(record);
        let (cases, left_out) = Case::all(record, &world);
        let explained: Vec<_> = cases.iter().map(|case| explain(case, smells)).collect();
        let cured = |target| explained.iter().any(|case| case.target == target && case.is_cured_by_a_sleep());
        let hops = hop::find(record, &world, cured);
        Self { cases: explained, left_out, hops }
    }

    /// Neighbouring cases of one target that have the same first cause, in order.
    pub fn groups(&self) -> Vec<&[Explained]> {
        let first = |case: &Explained| case.findings.first().map(|finding| finding.cause.name);
        self.cases.chunk_by(|a, b| a.target == b.target && first(a) == first(b)).collect()
    }
}

fn explain(case: &Case<'_>, smells: &[Smell]) -> Explained {
    let mut findings: Vec<_> = causes::ALL.iter().filter_map(|cause| weigh(case, cause, smells)).collect();
    // Equal scores keep the order of the list, in which what is not the rollout comes first.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.score));
    findings.truncate(MAX_CAUSES);
    Explained { target: case.target.id, span: case.span, failed: case.failed(), slow: case.slow, findings }
}

/// Holds a cause against a case; `None` if too little speaks for it.
#[expect(clippy::similar_names, reason = "a cause and a case are what this is about")]
fn weigh(case: &Case<'_>, cause: &'static Cause, smells: &[Smell]) -> Option<Finding> {
    let (mut evidence, mut against, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for Rule { points, against: cost, test, .. } in cause.rules {
        match test(case) {
            Outcome::Seen(text) if *points > 0 => evidence.push(Evidence { points: *points, text }),
            Outcome::Contrary(text) if *cost > 0 => against.push(Evidence { points: *cost, text }),
            Outcome::Unknown(text) => missing.push(text.to_owned()),
            Outcome::Seen(_) | Outcome::Contrary(_) | Outcome::Absent => {}
        }
    }
    let sum = |all: &[Evidence]| all.iter().map(|one| i32::from(one.points)).sum::<i32>();
    add_smells(cause, smells, &mut evidence, &mut against);
    let score = u8::try_from((sum(&evidence) - sum(&against)).clamp(0, 100)).unwrap_or(100);
    if score < LEAST || evidence.is_empty() {
        return None;
    }
    evidence.sort_by_key(|one| std::cmp::Reverse(one.points));
    missing.dedup();
    Some(Finding { cause, score, evidence, against, missing, fix: (cause.fix)(case) })
}

/// Adds the smells of a cause to its evidence, or the places that were checked and are clean to what is against it.
fn add_smells(cause: &Cause, smells: &[Smell], evidence: &mut Vec<Evidence>, against: &mut Vec<Evidence>) {
    let of_cause = || smells.iter().filter(|smell| smell.cause == cause.name);
    if let Some(found) = of_cause().find(|smell| smell.found) {
        let text = format!("the manifests have it: {}: {}", found.place, found.says);
        evidence.push(Evidence { points: SMELL, text });
    } else if let Some(clean) = of_cause().next() {
        against.push(Evidence { points: SMELL, text: format!("the manifests are clean of it: {}", clean.place) });
    }
}
