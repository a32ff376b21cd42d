//! The verdict, with what broke and what keeps it from being sure.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::verdict;

/// Verdict on the run: the result, and the budgets and doubts that led to it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Verdict<'a> {
    /// `pass`, `fail`, `inconclusive`, `command-failed` or `interrupted`.
    result: String,
    /// Exit code of `lapse`: 0, 1, 3, 4 or 130.
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

/// The verdict as report.json has it under `verdict`.
pub fn verdict(of: &verdict::Verdict) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Verdict::of(of))
}

/// A budget that was exceeded.
#[derive(Serialize, JsonSchema)]
struct Breach<'a> {
    /// Name of the budget: its flag, or the part of a scenario.
    budget: &'a str,
    /// The target or the lane: `shop` or `shop/new`.
    of: &'a str,
    /// Measured value with its bounds, as text.
    figure: &'a str,
    /// Limit of the budget, as text.
    limit: &'a str,
    /// Breach in a sentence: budget, measured value, target or lane, and limit.
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
