//! The figures of each target with bounds: downtime in large type, and the others beside it.

use std::time::Duration;

use maud::{Markup, html};

use super::sanitize;
use crate::words::downtime;
use lapse_measure::time::Human;
use lapse_measure::totals::Totals;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The section with the figures, target by target.
pub(super) fn section(record: &Record) -> Markup {
    html! {
        section #downtime aria-label="Downtime" {
            @for target in &record.summary.targets {
                div.target {
                    h2 { (sanitize(&target.name)) " " span.url { (sanitize(&target.url)) } }
                    (figures(record, target))
                }
            }
        }
    }
}

fn figures(record: &Record, target: &TargetSummary) -> Markup {
    let totals = &target.totals;
    if totals.resolved == 0 {
        return html! { div.hero { p.value { "unknown" } p.meaning { "no probe came to an answer" } } };
    }
    let rows = downtime::rows(record, target);
    html! {
        div.hero { (hero(totals)) }
        dl {
            @for row in rows.iter().filter(|row| row.first().is_none_or(|name| name != downtime::LOSS_DERIVED)) {
                @if let [name, figure, meaning] = row.as_slice() {
                    div { dt { (name) } dd { span.value { (figure) } " " span.meaning { (sanitize(meaning)) } } }
                }
            }
        }
    }
}

/// The downtime in large type, with its bounds in a smaller one.
fn hero(totals: &Totals) -> Markup {
    if totals.failed == 0 {
        return html! {
            p.value { (Human(Duration::ZERO).to_string()) }
            p.meaning { (downtime::none_seen(totals)) }
        };
    }
    let figure = totals.loss_derived.to_string();
    let (value, bounds) = figure.split_once(" (").unwrap_or((&figure, ""));
    html! {
        p.value { (value) " " span.bounds { "(" (bounds) } }
        p.meaning { "downtime: " (downtime::loss_derived_meaning(totals)) }
    }
}
