//! The report for whoever wants to see: one file that needs no network, with the run to zoom into.
//!
//! What it says in words and numbers is written here, as in every other report; the script only draws, and what it
//! draws are run lengths. Text that others wrote is escaped by the one who writes markup (maud), tamed of what turns or
//! hides its neighbours, and reaches the script as data; a policy in the page lets no other script run.

mod data;
mod event;
mod failure;
mod figures;
mod frame;
mod lane;
mod object;
mod outage;
mod pack;
mod sheet;
mod verdict;

use std::io::{self, Write};

use maud::{Markup, html};

use super::words::phrase::some;
use super::words::{act, instrument, latency, note, pod};
use lapse_record::record::Record;

/// Letters of a lane's name that a cell has room for.
const LANE: usize = 16;

/// The script, beside the page of a run that goes on, that lets a browser load the page again after the end.
pub const WORKER: &str = include_str!("html/page/worker.js");

/// Whether the run that a page shows is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It is: the page will not change.
    Over,
    /// It goes on: the page asks where it came from for what happened since.
    GoesOn,
}

/// Writes the page of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    out.write_all(page(record, RunState::Over).as_bytes())
}

/// The page of `record`, of a run that stands so.
pub fn page(record: &Record, standing: RunState) -> String {
    let outages = outage::worth_a_row(record);
    let data = data::of(record, standing, &outages);
    let body = html! {
        (verdict::section(record, standing))
        (figures::section(record))
        (frame::timeline())
        (outage::section(record, &outages))
        (sheet::section("pods", pod::HEADING, &pod::rows(record, usize::MAX), pod::remark(record).as_slice()))
        (acts(record))
        (sheet::section("latency", latency::HEADING, &latency::rows(record), &[]))
        (sheet::section("instrument", "How it was measured", &instrument::rows(record, LANE), &instrument::remarks(record)))
        (event::section(record))
        (sheet::remarks("notes", "Notes", &notes(record)))
    };
    frame::document(record, standing, &body, &data)
}

/// What the text says at its end, and what the page has no room for.
fn notes(record: &Record) -> Vec<String> {
    let mut notes = note::notes(record);
    let (objects, events) = (object::left_out(record), data::left_out(record));
    if objects > 0 {
        let objects = some(objects as u64, "further object");
        notes.push(format!(
            "{objects} with events have no row on the timeline: `lapse report --format csv-events` has them all"
        ));
    }
    if events > 0 {
        let events = some(events as u64, "further event");
        notes.push(format!("{events} are not on the timeline: `lapse report --format csv-events` has them all"));
    }
    notes
}

fn acts(record: &Record) -> Markup {
    let header = ["act", "lost", "and how that fared"].map(str::to_owned).to_vec();
    let rows: Vec<_> = [header].into_iter().chain(act::rows(record)).collect();
    sheet::section("acts", "Acts", &rows, &[])
}

/// Text that others may have written, without what would turn or hide the text beside it. Markup is escaped later.
fn sanitize(text: &str) -> String {
    use super::text::{Colour, Glyphs, Look};
    Look { width: 0, colour: Colour::Plain, glyphs: Glyphs::Unicode }.sanitize(text)
}

#[cfg(test)]
mod tests;
