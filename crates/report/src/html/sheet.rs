//! A section of a table, whose first row is its header, and sentences below it.

use maud::{Markup, html};

use super::sanitize;

/// A section with a table of `rows` and a list of `remarks`; nothing if it has neither remarks nor rows below the
/// header.
pub(super) fn section(id: &str, heading: &str, rows: &[Vec<String>], remarks: &[String]) -> Markup {
    let (header, rows) = rows.split_first().map_or((None, rows), |(header, rows)| (Some(header), rows));
    html! {
        @if !rows.is_empty() || !remarks.is_empty() {
            section id=(id) {
                h2 { (heading) }
                @if let Some(header) = header.filter(|_| !rows.is_empty()) { (table(header, rows)) }
                (sentences(remarks))
            }
        }
    }
}

/// A section with a list of `remarks` and no table; nothing if there are none.
pub(super) fn remarks(id: &str, heading: &str, remarks: &[String]) -> Markup {
    section(id, heading, &[], remarks)
}

fn table(header: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="table" {
            table {
                thead { tr { @for cell in header { th scope="col" { (sanitize(cell)) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (nth, cell) in row.iter().enumerate() {
                                @if nth == 0 { th scope="row" { (sanitize(cell)) } } @else { td { (sanitize(cell)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sentences(all: &[String]) -> Markup {
    html! {
        @if !all.is_empty() {
            ul.remarks { @for one in all { li { (sanitize(one)) } } }
        }
    }
}
