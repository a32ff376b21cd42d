//! The verdict, with what broke and what keeps it from being sure.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::verdict;

/// What a run comes to.
#[derive(Serialize, JsonSchema)]
pub(super) struct Verdict<'a> {
    /// `pass`, `fail`, `inconclusive`, `command-failed` or `interrupted`.
    result: String,
    /// What `lapse` exits with: 0, 1, 3, 4 or 130.
    exit_code: u8,
    /// Every budget that was exceeded.
    breaches: Vec<Breach<'a>>,
    /// Every reason why the measurement cannot support a verdict.
    doubts: &'a [String],
}

impl<'a> Verdict<'a> {
    pub(super) fn of(verdict: &'a verdict::Verdict) -> Self {
        Self {
            result: verdict.conclusion.to_string(),
            exit_code: verdict.conclusion.exit_code(),
            breaches: verdict.breaches.iter().map(Breach::of).collect(),
            doubts: &verdict.inconclusive,
        }
    }
}

/// A budget that was exceeded.
#[derive(Serialize, JsonSchema)]
struct Breach<'a> {
    /// What the user calls the budget.
    budget: &'a str,
    /// The target or the lane: `shop` or `shop/new`.
    of: &'a str,
    /// What was measured, with bounds.
    figure: &'a str,
    /// What was allowed.
    limit: &'a str,
    /// All of it in a sentence.
    text: String,
}

impl<'a> Breach<'a> {
    fn of(breach: &'a verdict::Breach) -> Self {
        Self {
            budget: &breach.budget,
            of: &breach.of,
            figure: &breach.figure,
            limit: &breach.limit,
            text: breach.to_string(),
        }
    }
}
