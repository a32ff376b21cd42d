//! The page of a history: runs in the order of time, what they lost as charts, and a table with a link to each.

use std::fmt::Write;

use maud::{Markup, html};

use super::chart::{self, Chart};
use super::{RunState, frame, sanitize, sheet};
use crate::words::history as words;
use lapse_compare::history::{History, Limited, Line};

/// Columns that the name of a run may have.
const NAME: usize = 120;

/// The page of `history`.
pub(crate) fn page(history: &History) -> String {
    let heading = words::heading(history);
    let body = html! {
        section #verdict {
            h1 { (heading) }
            ul.remarks { @for remark in words::remarks(history) { li { (sanitize(&remark)) } } }
        }
        @if !history.lines.is_empty() {
            (Chart::of(history, Limited::Downtime, |line| line.downtime).section("Loss-derived downtime"))
            (Chart::of(history, Limited::Disruption, |line| line.disruption).section("Longest disruption"))
            (chart::key())
        }
        (sheet::section("figures", "Over all whole runs", &words::series(history), &[]))
        (sheet::section("budgets", "Budgets that would have held", &words::budgets(history), &[]))
        (runs(history))
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let title = format!("History: {heading}");
    frame::still_document(&frame::Head { title, about: String::new(), version, state: RunState::Over }, &body)
}

/// A row for each run, with a link to its page.
fn runs(history: &History) -> Markup {
    let mut rows = words::rows(history, NAME).into_iter();
    let header = rows.next().unwrap_or_default();
    let name = header.iter().position(|cell| cell == "run").unwrap_or_default();
    html! {
        section #runs {
            h2 { "Runs" }
            div.scroll tabindex="0" role="group" aria-label="runs" {
                table {
                    thead { tr { @for cell in &header { th scope="col" { (cell) } } } }
                    tbody { @for (row, line) in rows.zip(&history.lines) { tr { (cells(&row, name, line)) } } }
                }
            }
        }
    }
}

fn cells(row: &[String], name: usize, line: &Line) -> Markup {
    html! {
        @for (nth, cell) in row.iter().enumerate() {
            @if nth == name {
                th scope="row" {
                    @if let Some(page) = page_of(line) { a href=(page) { (sanitize(cell)) } } @else { (sanitize(cell)) }
                }
            } @else {
                td { (sanitize(cell)) }
            }
        }
    }
}

/// The address of a run's page, seen from the folder of all runs; `None` if it has none. Whatever the name of a folder
/// is, it stays a path below that folder.
pub(super) fn page_of(line: &Line) -> Option<String> {
    let mut address = String::from(".");
    for part in line.name.split('/').filter(|part| ![".", ".."].contains(part)) {
        address.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                address.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    line.has_page.then(|| format!("{address}/report.html"))
}
