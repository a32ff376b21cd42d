//! What a record says, for people and for machines: one format a file, each a pure function of the record.
//!
//! Nothing here reads a clock or waits, so a report can be made years later, on another machine, from
//! a journal alone; and the same record always gives the same bytes.

pub mod csv;
mod date;
pub mod html;
pub mod json;
pub mod text;

/// A format that a record can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, in a terminal: see [`text`].
    Text,
    /// For programs, with a schema: see [`json`].
    Json,
    /// For spreadsheets and plots, a row a millisecond: see [`csv`].
    Csv,
    /// For whoever wants to see, in a browser: see [`html`].
    Html,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::text::{Colour, Glyphs, Look};
    use super::{csv, html, json, text};
    use crate::run::record::sample;

    #[test]
    fn no_record_however_odd_is_too_odd_for_a_report() {
        let record = sample::hostile();
        let look = Look { width: 0, colour: Colour::Plain, glyphs: Glyphs::Unicode };
        json::write(&record, &mut Vec::new()).unwrap();
        html::write(&record, &mut Vec::new()).unwrap();
        csv::write(&record, Duration::MAX, &mut Vec::new()).unwrap();
        let mut page = Vec::new();
        text::write(&record, look, None, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains(['\r', '\u{7}', '\u{0}', '\u{202e}']), "{page}");
    }
}
