//! The held streams: a table of figures for each target.

use maud::{Markup, html};

use super::sheet;
use crate::words::held;
use lapse_record::record::Record;

/// The section; nothing unless the run held streams.
pub(super) fn section(record: &Record) -> Markup {
    let is_only = record.summary.targets.len() == 1;
    let (heading, remarks) = (held::heading(record), held::remarks(record));
    html! {
        @for (nth, (target, streams)) in held::targets(record).enumerate() {
            @let heading = if is_only { heading.clone() } else { format!("{}: {heading}", target.name) };
            (sheet::section(&format!("held-{nth}"), &heading, &held::rows(record, streams), if nth == 0 { &remarks } else { &[] }))
        }
    }
}
