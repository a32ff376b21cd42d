//! The short sections of the text report: a heading, a table and a few sentences each.

use super::page::Page;
use crate::words::{act, instrument, latency, note, pod};
use lapse_record::record::Record;

/// Columns of a pod's row without its name.
const POD_FIGURES: usize = 58;

/// The pods that ended, and how long requests still reached them; nothing if no pod ended.
pub(super) fn write_pods(record: &Record, page: &mut Page) {
    if let Some(remark) = pod::remark(record) {
        page.heading(pod::HEADING);
        page.table(2, &pod::rows(record, page.look().columns().saturating_sub(POD_FIGURES)));
        page.say(2, &remark);
    }
}

/// Latency of healthy answers by phase; nothing if there was no healthy answer.
pub(super) fn write_latency(record: &Record, page: &mut Page) {
    let rows = latency::rows(record);
    if rows.len() > 1 {
        page.heading(latency::HEADING);
        page.table(2, &rows);
    }
}

/// The prober's own performance, by lane.
pub(super) fn write_instrument(record: &Record, page: &mut Page) {
    page.heading("How it was measured");
    // The table has eight columns, so lane names get less room than in the timeline.
    page.table(2, &instrument::rows(record, page.look().name() - 4));
    for remark in instrument::remarks(record) {
        page.say(2, &remark);
    }
}

/// The losses of each act; nothing if the run was no scenario.
pub(super) fn write_acts(record: &Record, page: &mut Page) {
    let rows = act::rows(record);
    if !rows.is_empty() {
        page.heading("Acts");
        page.table(2, &rows);
    }
}

/// Notes that do not change the verdict; nothing if there are none.
pub(super) fn write_notes(record: &Record, page: &mut Page) {
    let notes = note::notes(record);
    if !notes.is_empty() {
        page.heading("Notes");
    }
    for note in &notes {
        page.say(2, note);
    }
}
