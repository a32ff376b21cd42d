//! The held streams: a table of figures for each target.

use super::page::Page;
use crate::words::held;
use lapse_record::record::Record;

/// The section; nothing unless the run held streams.
pub(super) fn write(record: &Record, page: &mut Page) {
    let is_only = record.summary.targets.len() == 1;
    for (nth, (target, streams)) in held::targets(record).enumerate() {
        if nth == 0 {
            page.heading(&held::heading(record));
        }
        if !is_only {
            page.say(2, &target.name);
        }
        page.table(2, &held::rows(record, streams));
    }
    for remark in held::remarks(record) {
        page.say(2, &remark);
    }
}
