//! The HTML report: one self-contained file with a timeline to zoom into.
//!
//! All words and figures are written here, as in every other format; the script only draws, from run lengths. Untrusted
//! text is stripped of invisible characters and bidirectional controls, then escaped by maud, or handed to the script
//! as JSON. A content security policy keeps any other script from running.

mod chart;
mod comparison;
mod data;
mod disruption;
mod event;
mod failure;
mod figures;
mod frame;
mod held;
mod history;
mod lane;
mod loss;
mod object;
mod pack;
mod sheet;
mod verdict;
mod version;
mod why;

use std::io::{self, Write};

use maud::{Markup, html};

use super::words::phrase::some;
use super::words::verdict::about;
use super::words::{act, instrument, latency, note, pod};
use lapse_record::record::Record;

/// Maximum width of a lane's name in the table of the prober's performance, in columns.
const LANE_NAME_WIDTH: usize = 16;

/// The service worker of the live page. It serves the final report from the browser's cache once lapse has exited.
pub const WORKER: &str = include_str!("html/page/worker.js");

/// The state of the run that a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The run has ended, and the page is final.
    Over,
    /// The run goes on, and the page polls its server for newer versions.
    GoesOn,
}

/// Writes the final page of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    out.write_all(page(record, RunState::Over).as_bytes())
}

/// The page of `record`: final, or live for a run that goes on.
pub fn page(record: &Record, state: RunState) -> String {
    let losses = loss::all(record);
    let data = data::of(record, state, &losses);
    let body = html! {
        (verdict::section(record, state))
        (figures::section(record))
        (frame::timeline())
        (version::section(record))
        (held::section(record))
        (why::section(record, state))
        (disruption::section(record, &losses))
        (sheet::section("pods", pod::HEADING, &pod::rows(record, usize::MAX), pod::remark(record).as_slice()))
        (acts(record))
        (sheet::section("latency", latency::HEADING, &latency::rows(record), &[]))
        (sheet::section("instrument", "How it was measured", &instrument::rows(record, LANE_NAME_WIDTH), &instrument::remarks(record)))
        (event::section(record))
        (sheet::remarks("notes", "Notes", &notes(record)))
    };
    let head = frame::Head {
        title: format!("{}: {}", record.about.name, verdict::word(record, state)),
        about: about(record),
        version: record.about.version.clone(),
        state,
    };
    frame::document(&head, &body, &data)
}

pub(crate) use self::comparison::page as comparison_page;
pub(crate) use self::history::page as history_page;

/// The notes of the text report, and the number of objects and events that the timeline leaves out.
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

/// Untrusted `text` without control characters, invisible characters and bidirectional controls. Markup is escaped
/// later, by maud.
fn sanitize(text: &str) -> String {
    use super::text::{Colour, Glyphs, Look};
    Look { width: 0, colour: Colour::Plain, glyphs: Glyphs::Unicode }.sanitize(text)
}

#[cfg(test)]
mod tests;
