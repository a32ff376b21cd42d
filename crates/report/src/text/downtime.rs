//! The downtime tables of the text report, one for each target, over the whole run.

use super::page::Page;
use crate::words::downtime::{none_seen, rows};
use lapse_record::record::Record;

pub(super) fn write(record: &Record, page: &mut Page) {
    for target in &record.summary.targets {
        page.heading(&format!("Downtime of {}, {}", target.name, target.url));
        if target.totals.resolved == 0 {
            page.say(2, "nothing is known: no probe came to an answer");
            continue;
        }
        if target.totals.failed == 0 {
            page.say(2, &none_seen(&target.totals));
        }
        page.table(2, &rows(record, target));
    }
}
