//! The report files of `--report`, and the summary and annotations for GitHub Actions.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::report::available;
use super::{ReportTo, style};
use lapse_record::record::Record;
use lapse_report::format::{Format, Options};

/// The outputs to write at the end of the run, already opened.
#[derive(Debug)]
pub(super) struct ReportFiles {
    files: Vec<(ReportTo, File)>,
    /// The summary file that GitHub Actions names.
    summary: Option<PathBuf>,
    /// Whether stdout is read by GitHub Actions for annotations.
    annotate: bool,
}

impl ReportFiles {
    /// Opens the files at the start: the end of a run is too late for an error about a path.
    pub(super) fn open(reports: &[ReportTo]) -> Result<Self> {
        for (nth, to) in reports.iter().enumerate() {
            let twice = reports[..nth].iter().any(|other| other.file == to.file);
            ensure!(
                !twice,
                "two reports are to be written to {}: give each --report a file of its own",
                to.file.display()
            );
        }
        let open = |to: &ReportTo| {
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

    /// Writes all reports; an error with one does not keep the others from being written.
    pub(super) fn write(self, record: &Record) -> Vec<Result<()>> {
        let mut written: Vec<_> = self.files.into_iter().map(|(to, file)| write_file(record, &to, &file)).collect();
        written.extend(self.summary.map(|path| append_summary(record, &path)));
        if self.annotate {
            written
                .push(Format::Github.write(record, options(), &mut stdout()).context("cannot print the annotations"));
        }
        written
    }
}

fn write_file(record: &Record, to: &ReportTo, file: &File) -> Result<()> {
    let write = || {
        // Cut what remains of a longer old report. Pipes and terminals have no length to set.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let mut out = BufWriter::new(file);
        to.format.write(record, options(), &mut out)?;
        out.flush()
    };
    write().with_context(|| format!("cannot write {}", to.file.display()))
}

fn append_summary(record: &Record, path: &PathBuf) -> Result<()> {
    let write = || {
        let mut out = BufWriter::new(OpenOptions::new().append(true).create(true).open(path)?);
        Format::Markdown.write(record, options(), &mut out)?;
        out.flush()
    };
    write().with_context(|| format!("cannot write the job's summary {}", path.display()))
}

/// The options for a file: plain text, and one millisecond per row of the timeline.
fn options() -> Options {
    Options { look: style::of_a_file(), bin: Duration::from_millis(1) }
}
