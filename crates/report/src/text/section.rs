//! The sections of the page that are a heading, a table and a few sentences.

use super::page::Page;
use crate::words::{act, instrument, latency, note, pod};
use lapse_record::record::Record;

/// Columns that a pod's row needs beside its name.
const POD_FIGURES: usize = 58;

/// How long requests still came to the pods that ended.
pub(super) fn write_pods(record: &Record, page: &mut Page) {
    if let Some(remark) = pod::remark(record) {
        page.heading(pod::HEADING);
        page.table(2, &pod::rows(record, page.look().columns().saturating_sub(POD_FIGURES)));
        page.say(2, &remark);
    }
}

/// How fast healthy answers were, phase by phase.
pub(super) fn write_latency(record: &Record, page: &mut Page) {
    let rows = latency::rows(record);
    if rows.len() > 1 {
        page.heading(latency::HEADING);
        page.table(2, &rows);
    }
}

/// How well the prober did its own work.
pub(super) fn write_instrument(record: &Record, page: &mut Page) {
    page.heading("How it was measured");
    // Eight columns need more of the line than a picture can do without.
    page.table(2, &instrument::rows(record, page.look().name() - 4));
    for remark in instrument::remarks(record) {
        page.say(2, &remark);
    }
}

/// What each act of a scenario cost.
pub(super) fn write_acts(record: &Record, page: &mut Page) {
    let rows = act::rows(record);
    if !rows.is_empty() {
        page.heading("Acts");
        page.table(2, &rows);
    }
}

/// What a reader should know besides.
pub(super) fn write_notes(record: &Record, page: &mut Page) {
    let notes = note::notes(record);
    if !notes.is_empty() {
        page.heading("Notes");
    }
    for note in &notes {
        page.say(2, note);
    }
}
