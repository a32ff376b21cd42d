//! How fast healthy answers were, phase by phase.

use std::time::Duration;

use super::page::Page;
use super::phrase::Count;
use lapse_measure::latency::Distribution;
use lapse_measure::phase::Phase;
use lapse_measure::time::Human;
use lapse_measure::verdict::Case;
use lapse_record::record::Record;

pub(crate) const HEADING: &str = "Latency of healthy answers, from when each was due";

pub(super) fn write(record: &Record, case: Case<'_>, page: &mut Page) {
    let rows = rows(record, case);
    if rows.len() > 1 {
        page.heading(HEADING);
        page.table(2, &rows);
    }
}

/// A header, and a row for each target and phase in which there was a healthy answer.
pub(crate) fn rows(record: &Record, case: Case<'_>) -> Vec<Vec<String>> {
    let header = ["", "p50", "p99", "max", "answers"].map(str::to_owned).to_vec();
    let rows = (0..case.targets.len()).flat_map(|target| of_target(record, case, target));
    [header].into_iter().chain(rows).collect()
}

fn of_target(record: &Record, case: Case<'_>, target: usize) -> Vec<Vec<String>> {
    let lanes = case.lanes_of(target);
    let phase = |(place, (phase, _)): (usize, (Phase, _))| {
        let mut all = Distribution::fine();
        for (_, lane) in &lanes {
            if let Some(of_phase) = lane.latency.get(place) {
                all.add(of_phase);
            }
        }
        let name =
            if case.targets.len() == 1 { phase.to_string() } else { format!("{}, {phase}", case.targets[target]) };
        row(name, &all)
    };
    record.seen.phases.spans(record.seen.end).enumerate().filter_map(phase).collect()
}

fn row(name: String, all: &Distribution) -> Option<Vec<String>> {
    let max = all.longest()?;
    let quantile = |share: f64| Human(all.quantile(share).unwrap_or(Duration::ZERO)).to_string();
    Some(vec![name, quantile(0.5), quantile(0.99), Human(max).to_string(), Count(all.count()).to_string()])
}
