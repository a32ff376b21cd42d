//! What a record says, for people and for machines: one format a file, each a pure function of the record.
//!
//! Nothing here reads a clock or waits, so a report can be made years later, on another machine, from
//! a journal alone; and the same record always gives the same bytes.

pub mod csv;
mod date;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
mod longest;
pub mod markdown;
pub mod openmetrics;
pub mod parquet;
mod plain;
pub mod png;
#[cfg(test)]
mod snapshot;
pub mod svg;
pub mod table;
pub mod text;
pub mod trace;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::table::Table;
    use super::text::{Colour, Glyphs, Look};
    use super::{csv, github, html, json, junit, markdown, openmetrics, parquet, png, snapshot, svg, text, trace};
    use crate::run::record::sample;

    #[test]
    fn no_record_however_odd_is_too_odd_for_a_report() {
        let record = sample::hostile();
        let look = Look { width: 0, colour: Colour::Plain, glyphs: Glyphs::Unicode };
        for write in
            [json::write, junit::write, markdown::write, github::write, openmetrics::write, svg::write, trace::write]
        {
            write(&record, &mut Vec::new()).unwrap();
        }
        for table in [Table::Timeline { bin: Duration::MAX }, Table::Failures, Table::Events] {
            csv::write(&record, table, &mut Vec::new()).unwrap();
            parquet::write(&record, table, &mut Vec::new()).unwrap();
        }
        html::write(&record, &mut Vec::new()).unwrap();
        png::write(&record, &mut Vec::new()).unwrap();
        let mut page = Vec::new();
        text::write(&record, look, None, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains(['\r', '\u{7}', '\u{0}', '\u{202e}']), "{page}");
    }

    /// A writer of a format.
    type Write = fn(&crate::run::record::Record, &mut Vec<u8>) -> std::io::Result<()>;

    /// The formats for programs that are read by people all the same, as they come out of three built records.
    #[test]
    fn formats_for_programs_are_as_they_were() {
        let formats: [(&str, Write); 7] = [
            ("junit.xml", junit::write),
            ("summary.md", markdown::write),
            ("github.txt", github::write),
            ("openmetrics.txt", openmetrics::write),
            ("failures.csv", |record, out| csv::write(record, Table::Failures, &mut Head(out, 12))),
            ("events.csv", |record, out| csv::write(record, Table::Events, out)),
            ("svg", svg::write),
        ];
        let records = [("upgrade", sample::upgrade()), ("nasty", sample::nasty()), ("killed", sample::killed())];
        for (name, record) in &records {
            for (format, write) in formats {
                let mut out = Vec::new();
                write(record, &mut out).unwrap();
                snapshot::check(&format!("snapshots/{name}.{format}"), &out);
            }
        }
    }

    /// Lets so many lines through: a snapshot is to be read.
    struct Head<'a>(&'a mut Vec<u8>, usize);

    impl std::io::Write for Head<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if self.1 > 0 {
                    self.0.extend_from_slice(line);
                }
                self.1 -= usize::from(line.ends_with(b"\n")).min(self.1);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_say_is_nothing_but_text_in_every_format() {
        let mut record = sample::upgrade();
        let evil = "</script><b>|`x` @all\u{202e}\u{7}\r\n::error::gotcha%0A\"";
        record.about.name = evil.to_owned();
        record.verdict.doubts.push(evil.to_owned());
        let told = |write: Write| {
            let mut out = Vec::new();
            write(&record, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        for write in [junit::write, markdown::write, github::write, openmetrics::write] as [Write; 4] {
            let text = told(write);
            assert!(!text.contains(['\u{202e}', '\u{7}', '\r']), "{text}");
        }
        assert!(!told(junit::write).contains("<b>"));
        let page = told(markdown::write);
        assert!(!page.contains("<b>") && !page.contains("@all") && !page.contains("`x`"), "{page}");
        assert!(told(github::write).lines().all(|line| line.starts_with("::")));
        assert!(told(github::write).lines().all(|line| !line.starts_with("::error::gotcha")));
    }
}
