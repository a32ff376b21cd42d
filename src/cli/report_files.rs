//! The report files of `--report`, and the summary and annotations for GitHub Actions.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::style;
use lapse_compare::Comparison;
use lapse_compare::history::History;
use lapse_compare::trials::Trials;
use lapse_record::record::Record;
use lapse_report::format::{Format, Named, Options};
use lapse_report::text::Look;
use lapse_report::{compare, history, trials};

/// The longest summary of a step that GitHub shows, in bytes: a longer one it drops as a whole.
const LONGEST_SUMMARY: usize = 1 << 20;
/// What ends a summary that was cut.
const CUT: &[u8] = b"\n\nThe rest is longer than what GitHub shows.\n";

/// What a subcommand reports, in any of its formats.
pub(super) trait Report {
    /// The formats.
    type Format: Named;
    /// The format of the summary of a job.
    const SUMMARY: Self::Format;
    /// The format of the annotations of a job; `None` if there is none.
    const ANNOTATIONS: Option<Self::Format>;

    /// Writes the report in this format.
    fn write(&self, format: Self::Format, look: Look, out: &mut (impl Write + Send)) -> io::Result<()>;
}

/// A report to write, as typed: format and file.
#[derive(Clone, Debug)]
pub(super) struct ReportTo<F> {
    pub(super) format: F,
    pub(super) file: PathBuf,
}

/// The outputs to write at the end, already opened.
#[derive(Debug)]
pub(super) struct ReportFiles<F> {
    files: Vec<(ReportTo<F>, File)>,
    /// The summary file that GitHub Actions names.
    summary: Option<PathBuf>,
    /// Whether stdout is read by GitHub Actions for annotations.
    annotate: bool,
}

// === impl Report ===

impl Report for Record {
    type Format = Format;
    const SUMMARY: Format = Format::Markdown;
    const ANNOTATIONS: Option<Format> = Some(Format::Github);

    fn write(&self, format: Format, look: Look, out: &mut (impl Write + Send)) -> io::Result<()> {
        format.write(self, Options { look, bin: Duration::from_millis(1) }, out)
    }
}

impl Report for Comparison<'_> {
    type Format = compare::Format;
    const SUMMARY: compare::Format = compare::Format::Markdown;
    const ANNOTATIONS: Option<compare::Format> = None;

    fn write(&self, format: compare::Format, look: Look, out: &mut (impl Write + Send)) -> io::Result<()> {
        format.write(self, look, out)
    }
}

impl Report for History {
    type Format = history::Format;
    const SUMMARY: history::Format = history::Format::Markdown;
    const ANNOTATIONS: Option<history::Format> = None;

    /// Writes nothing in a format of the newest run alone if that run is not whole: what it did not show must not be drawn
    /// as a good figure.
    fn write(&self, format: history::Format, look: Look, out: &mut (impl Write + Send)) -> io::Result<()> {
        if format.is_of_the_newest_run() && self.newest_unknown().is_some() {
            return Ok(());
        }
        format.write(self, look, out)
    }
}

impl Report for Trials {
    type Format = trials::Format;
    const SUMMARY: trials::Format = trials::Format::Markdown;
    const ANNOTATIONS: Option<trials::Format> = Some(trials::Format::Github);

    fn write(&self, format: trials::Format, look: Look, out: &mut (impl Write + Send)) -> io::Result<()> {
        format.write(self, look, out)
    }
}

// === impl ReportFiles ===

impl<F: Named> ReportFiles<F> {
    /// Opens the files at the start: the end of a run is too late for an error about a path.
    pub(super) fn open(reports: &[ReportTo<F>]) -> Result<Self> {
        for (nth, to) in reports.iter().enumerate() {
            let twice = reports[..nth].iter().any(|other| other.file == to.file);
            ensure!(
                !twice,
                "two reports are to be written to {}: give each --report a file of its own",
                to.file.display()
            );
        }
        let open = |to: &ReportTo<F>| {
            available(to.format)?;
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&to.file);
            let file =
                file.with_context(|| format!("cannot write {}: choose another file with --report", to.file.display()));
            Ok((to.clone(), file?))
        };
        Ok(Self {
            files: reports.iter().map(open).collect::<Result<_>>()?,
            summary: env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from),
            annotate: env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        })
    }

    /// As [`open`](Self::open), for a subcommand that prints `printed`. If that is the format of the summary, the summary
    /// itself is left alone: what is printed is likely to be sent there.
    pub(super) fn open_beside<R: Report<Format = F>>(reports: &[ReportTo<F>], printed: F) -> Result<Self> {
        let files = Self::open(reports)?;
        Ok(if printed == R::SUMMARY { Self { summary: None, ..files } } else { files })
    }

    /// Writes all reports; an error with one does not keep the others from being written.
    pub(super) fn write<R: Report<Format = F>>(self, report: &R) -> Vec<Result<()>> {
        let mut written: Vec<_> = self.files.into_iter().map(|(to, file)| write_file(report, &to, &file)).collect();
        written.extend(self.summary.map(|path| append_summary(report, &path)));
        if let Some(format) = R::ANNOTATIONS.filter(|_| self.annotate) {
            let annotated = report.write(format, style::of_a_file(), &mut stdout());
            written.push(annotated.context("cannot print the annotations"));
        }
        written
    }
}

/// Returns `format` if this build has it, else an error that names the feature.
pub(super) fn available<F: Named>(format: F) -> Result<F> {
    match format.missing_feature() {
        None => Ok(format),
        Some(feature) => bail!(
            "{}: this lapse was built without the feature `{feature}`: build it with `--features {feature}`",
            format.name()
        ),
    }
}

fn write_file<R: Report>(report: &R, to: &ReportTo<R::Format>, file: &File) -> Result<()> {
    let write = || {
        // Cut what remains of a longer old report. Pipes and terminals have no length to set.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let mut out = BufWriter::new(file);
        report.write(to.format, style::of_a_file(), &mut out)?;
        out.flush()
    };
    write().with_context(|| format!("cannot write {}", to.file.display()))
}

fn append_summary<R: Report>(report: &R, path: &Path) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        let there = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let mut text = Vec::new();
        report.write(R::SUMMARY, style::of_a_file(), &mut text)?;
        cut(&mut text, LONGEST_SUMMARY.saturating_sub(there));
        file.write_all(&text)
    };
    write().with_context(|| format!("cannot write the job's summary {}", path.display()))
}

/// Cuts a text that is longer than `room` bytes at the end of a line, and says so.
fn cut(text: &mut Vec<u8>, room: usize) {
    if text.len() <= room {
        return;
    }
    text.truncate(room.saturating_sub(CUT.len()));
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    text.truncate(whole);
    if whole > 0 {
        text.extend_from_slice(CUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_that_is_too_long_ends_with_a_whole_line_and_says_so() {
        let cut_to = |room: usize| {
            let mut text = b"first line\nsecond line\n".repeat(10);
            cut(&mut text, room);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(cut_to(1_000).len(), 230);
        let short = cut_to(100);
        assert!(short.len() <= 100 && short.ends_with(std::str::from_utf8(CUT).unwrap()), "{short}");
        assert!(short.starts_with("first line\nsecond line\n"), "{short}");
        assert_eq!(cut_to(20), "");
    }
}
