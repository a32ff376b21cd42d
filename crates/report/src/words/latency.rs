//! Latency quantiles of healthy answers, by phase.

use std::time::Duration;

use super::phrase::Count;
use lapse_measure::latency::Distribution;
use lapse_measure::time::Human;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

pub(crate) const HEADING: &str = "Latency of healthy answers, from when each was due";

/// A header row, then a row for each target and phase with at least one healthy answer.
pub(crate) fn rows(record: &Record) -> Vec<Vec<String>> {
    let header = ["", "p50", "p99", "max", "answers"].map(str::to_owned).to_vec();
    let rows = record.summary.targets.iter().flat_map(|target| of_target(record, target));
    [header].into_iter().chain(rows).collect()
}

fn of_target<'a>(record: &'a Record, target: &'a TargetSummary) -> impl Iterator<Item = Vec<String>> + 'a {
    target.phases.iter().filter_map(move |of_phase| {
        let phase = of_phase.phase;
        let alone = record.summary.targets.len() == 1;
        row(if alone { phase.to_string() } else { format!("{}, {phase}", target.name) }, &of_phase.latency)
    })
}

fn row(name: String, all: &Distribution) -> Option<Vec<String>> {
    let max = all.longest()?;
    let quantile = |share: f64| Human(all.quantile(share).unwrap_or(Duration::ZERO)).to_string();
    Some(vec![name, quantile(0.5), quantile(0.99), Human(max).to_string(), Count(all.count()).to_string()])
}
