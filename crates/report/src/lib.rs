//! Reports of a run, for people and for programs: one module per format, each a pure function of the record.
//!
//! No module reads a clock or blocks, so a report can be made years later on another machine from the journal alone,
//! and the same record always gives the same bytes.

mod axis;
pub mod compare;
pub mod csv;
mod date;
pub mod format;
pub mod github;
pub mod grafana;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
mod longest;
pub mod markdown;
pub mod metrics;
pub mod openmetrics;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "png")]
pub mod png;
mod sanitize;
#[cfg(test)]
mod snapshot;
pub mod svg;
pub mod table;
pub mod text;
pub mod trace;
pub mod trials;
mod words;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::format::{Format, Named, Options};
    use super::text::{Colour, Glyphs, Look};
    use super::{snapshot, text};
    use lapse_record::sample;

    #[test]
    fn every_format_accepts_a_hostile_record() {
        let record = sample::hostile();
        let look = Look { width: 0, colour: Colour::Plain, glyphs: Glyphs::Unicode };
        for format in Format::ALL.iter().filter(|format| format.missing_feature().is_none()) {
            format.write(&record, Options { look, bin: Duration::MAX }, &mut Vec::new()).unwrap();
        }
        let mut page = Vec::new();
        text::write(&record, look, None, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains(['\r', '\u{7}', '\u{0}', '\u{202e}']), "{page}");
    }

    const OPTIONS: Options = Options {
        look: Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode },
        bin: Duration::from_millis(1),
    };

    /// Snapshots of the formats for programs that are also readable as text, for four sample records.
    #[test]
    fn text_based_formats_match_their_snapshots() {
        let formats = [
            ("junit.xml", Format::Junit),
            ("summary.md", Format::Markdown),
            ("github.txt", Format::Github),
            ("openmetrics.txt", Format::Openmetrics),
            ("grafana.jsonl", Format::Grafana),
            ("failures.csv", Format::CsvFailures),
            ("events.csv", Format::CsvEvents),
            ("svg", Format::Svg),
        ];
        let records = [
            ("upgrade", sample::upgrade()),
            ("nasty", sample::nasty()),
            ("killed", sample::killed()),
            ("versions", sample::versions()),
        ];
        for (name, record) in &records {
            for (file, format) in formats {
                let mut out = Vec::new();
                let lines = if format == Format::CsvFailures { 12 } else { usize::MAX };
                format.write(record, OPTIONS, &mut Head(&mut out, lines)).unwrap();
                snapshot::check(&format!("snapshots/{name}.{file}"), &out);
            }
        }
    }

    /// Passes the first `.1` lines on to `.0` and drops the rest, which keeps snapshots short enough to review.
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
    fn untrusted_text_is_escaped_in_every_format() {
        let mut record = sample::upgrade();
        let evil = "</script><b>|`x` @all\u{202e}\u{7}\r\n::error::gotcha%0A\"";
        record.about.name = evil.to_owned();
        record.summary.verdict.inconclusive.push(evil.to_owned());
        let written = |format: Format| {
            let mut out = Vec::new();
            format.write(&record, OPTIONS, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        for format in [Format::Junit, Format::Markdown, Format::Github, Format::Openmetrics] {
            let text = written(format);
            assert!(!text.contains(['\u{202e}', '\u{7}', '\r']), "{text}");
        }
        assert!(!written(Format::Junit).contains("<b>"));
        let page = written(Format::Markdown);
        assert!(!page.contains("<b>") && !page.contains("@all") && !page.contains("`x`"), "{page}");
        assert!(written(Format::Github).lines().all(|line| line.starts_with("::")));
        assert!(written(Format::Github).lines().all(|line| !line.starts_with("::error::gotcha")));
    }
}
