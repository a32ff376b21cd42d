//! The acts of a scenario: what each act lost, and whether that meets the scenario's expectation.

use std::time::Duration;

use super::phrase::lost;
use super::verdict::breach;
use lapse_measure::totals::Totals;
use lapse_record::record::Record;
use lapse_record::summary::{ActOutcome, ActSummary};

/// A row for each act: its name, its lost probes, and its downtime with the outcome of its budget.
pub(crate) fn rows(record: &Record) -> Vec<Vec<String>> {
    record.summary.acts.iter().map(row).collect()
}

fn row(act: &ActSummary) -> Vec<String> {
    let (failed, resolved) = act.totals.iter().fold((0, 0), |sum, one| (sum.0 + one.failed, sum.1 + one.resolved));
    vec![act.name.clone(), lost(failed, resolved), [downtime(&act.totals), outcome(&act.outcome)].concat()]
}

/// The downtime of the target with the longest one.
fn downtime(totals: &[Totals]) -> String {
    let worst = totals.iter().map(|one| one.loss_derived).reduce(|a, b| if b.estimate > a.estimate { b } else { a });
    match worst {
        Some(worst) if worst.estimate > Duration::ZERO => format!("downtime {worst}"),
        _ => "no downtime seen".to_owned(),
    }
}

fn outcome(outcome: &ActOutcome) -> String {
    match outcome {
        ActOutcome::NoBudget => String::new(),
        ActOutcome::AsExpected => ", as expected".to_owned(),
        ActOutcome::NotAsExpected(first) => format!(", not as expected: {}", breach(first)),
        ActOutcome::Undecided => ", not decided".to_owned(),
    }
}
