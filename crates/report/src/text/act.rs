//! The acts of a scenario: what each of them cost, and whether that was expected.

use std::time::Duration;

use super::page::Page;
use super::phrase::lost;
use super::verdict::breach;
use lapse_measure::totals::Totals;
use lapse_measure::verdict::{self, Case, Ending, Verdict};
use lapse_record::entry::Window;
use lapse_record::record::{Act, Record};

pub(super) fn write(record: &Record, case: Case<'_>, page: &mut Page) {
    if record.acts.is_empty() {
        return;
    }
    page.heading("Acts");
    let rows: Vec<_> = record.acts.iter().enumerate().map(|(place, act)| row(record, case, (place, act))).collect();
    page.table(2, &rows);
}

/// Name, loss, and downtime with how that fared.
pub(crate) fn row(record: &Record, case: Case<'_>, (place, act): (usize, &Act)) -> Vec<String> {
    let totals: Vec<_> = (0..case.targets.len()).map(|target| case.totals(target, act.span)).collect();
    let (failed, resolved) = totals.iter().fold((0, 0), |sum, one| (sum.0 + one.failed, sum.1 + one.resolved));
    let mut words = vec![act.name.clone(), lost(failed, resolved)];
    words.push([downtime(&totals), fared(record, case, (place, act))].concat());
    words
}

/// The downtime of the target that had it worst.
fn downtime(totals: &[Totals]) -> String {
    let worst = totals.iter().map(|one| one.loss_derived).reduce(|a, b| if b.estimate > a.estimate { b } else { a });
    match worst {
        Some(worst) if worst.estimate > Duration::ZERO => format!("downtime {worst}"),
        _ => "no downtime seen".to_owned(),
    }
}

/// How the act's own budgets fared; nothing if it has none.
fn fared(record: &Record, case: Case<'_>, (place, act): (usize, &Act)) -> String {
    let budgets = record.about.budgets.iter().filter(|(_, window)| *window == Window::Act(place));
    let budgets: Vec<_> = budgets.map(|(budget, _)| (budget.clone(), act.span)).collect();
    let judge = |budgets: &[_]| verdict::judge(case, budgets, record.about.max_blind, Ending::Complete);
    let Verdict { breaches, inconclusive, .. } = judge(&budgets);
    if budgets.is_empty() {
        String::new()
    } else if let [first, ..] = breaches.as_slice() {
        format!(", not as expected: {}", breach(first))
    } else if inconclusive.len() > judge(&[]).inconclusive.len() {
        ", not decided".to_owned()
    } else {
        ", as expected".to_owned()
    }
}
