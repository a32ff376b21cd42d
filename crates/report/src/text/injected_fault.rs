//! Faults that a scenario's world recorded in its ledger, beside the measured failures, by act.

use std::collections::BTreeMap;

use super::page::Page;
use crate::words::phrase::seconds;
use lapse_measure::outage::Outage;
use lapse_measure::time::{Human, Offset};
use lapse_record::entry::InjectedFault;
use lapse_record::record::Record;
use lapse_record::summary::ActSummary;

/// Ledger lines listed for one act; the rest are counted.
const MAX_LINES: usize = 12;

pub(super) fn write(record: &Record, page: &mut Page) {
    if record.injected_faults.is_empty() {
        return;
    }
    page.heading("Injected and measured (in seconds after the act began)");
    for act in &record.summary.acts {
        page.say(2, &act.name);
        let faults = record.injected_faults.iter().filter(|one| act.span.from <= one.from && one.from < act.span.to);
        let mut rows: Vec<_> = faults.map(|one| row(act, one)).collect();
        let more = rows.split_off(rows.len().min(MAX_LINES)).len();
        if more > 0 {
            rows.push(vec![String::new(), format!("and {more} more lines: see report.json")]);
        }
        rows.push(measured(record, act));
        page.table(4, &rows);
    }
}

fn row(act: &ActSummary, one: &InjectedFault) -> Vec<String> {
    let lasted = if one.lasted.is_zero() { String::new() } else { format!(" ({} in all)", Human(one.lasted)) };
    let times = if one.times == 1 { String::new() } else { format!(" x{}", one.times) };
    vec![when(act, one.from, one.to), format!("{} {}{times}{lasted}: {}", one.by, one.what, one.cause)]
}

/// The row of measured failures in an act, over all lanes: classes with counts, and the time span of the outages.
fn measured(record: &Record, act: &ActSummary) -> Vec<String> {
    let outages = record.seen.lanes.iter().flat_map(|lane| &lane.outages);
    let outages: Vec<&Outage> = outages.filter(|one| act.span.from <= one.from && one.from < act.span.to).collect();
    let mut classes = BTreeMap::new();
    for (class, count) in outages.iter().flat_map(|outage| &outage.classes) {
        *classes.entry(*class).or_insert(0) += count;
    }
    let bounds = outages.iter().map(|one| one.from).min().zip(outages.iter().map(|one| one.to).max());
    let Some((from, to)) = bounds else {
        return vec!["measured".to_owned(), "no failed probe".to_owned()];
    };
    let classes: Vec<_> = classes.iter().map(|(class, count): (_, &u64)| format!("{class} x{count}")).collect();
    vec!["measured".to_owned(), format!("{} from {} s", classes.join(", "), when(act, from, to))]
}

/// A time span in seconds after the act began: `0.305 to 0.849`, or a single number if both print the same.
fn when(act: &ActSummary, from: Offset, to: Offset) -> String {
    let after = |at: Offset| seconds(at.since(act.span.from)).trim_end_matches(" s").to_owned();
    if after(from) == after(to) { after(from) } else { format!("{} to {}", after(from), after(to)) }
}
