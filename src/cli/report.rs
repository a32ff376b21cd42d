//! `lapse report`: any report again from the recorded run.

use std::io::{self, BufWriter, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{FormatName, ReportArgs, look};
use crate::report;
use crate::run::journal;
use crate::run::record::Record;

/// Reads the run's journal and prints the report.
pub(super) fn execute(args: &ReportArgs) -> Result<ExitCode> {
    let folder = args.folder.display();
    ensure!(
        args.folder.is_dir(),
        "{folder} is no folder: name the folder of a run, such as reports/2026-11-22T20-15-03-shop"
    );
    let record = journal::read(&args.folder).with_context(|| format!("cannot report on {folder}"))?;
    let mut out = BufWriter::new(stdout().lock());
    let written = write(&record, args, &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => other.context("cannot write the report").map(|()| ExitCode::SUCCESS),
    }
}

fn write(record: &Record, args: &ReportArgs, out: &mut impl Write) -> io::Result<()> {
    match args.format {
        FormatName::Text => report::text::write(record, look::of_stdout(), Some(&args.folder), out),
        FormatName::Csv => report::csv::write(record, args.bin, out),
        other => write_as(other, record, out),
    }
}

/// Writes a report of which nothing more is to be said than its format: the text is plain, and a row of the CSV stands
/// for a millisecond.
pub(super) fn write_as(format: FormatName, record: &Record, out: &mut impl Write) -> io::Result<()> {
    match format {
        FormatName::Text => report::text::write(record, look::of_a_file(), None, out),
        FormatName::Json => report::json::write(record, out),
        FormatName::Csv => report::csv::write(record, Duration::from_millis(1), out),
        FormatName::CsvFailures => report::tables::failures(record, out),
        FormatName::CsvEvents => report::tables::events(record, out),
        FormatName::Html => report::html::write(record, out),
        FormatName::Junit => report::junit::write(record, out),
        FormatName::Markdown => report::markdown::write(record, out),
        FormatName::Github => report::github::write(record, out),
        FormatName::Openmetrics => report::openmetrics::write(record, out),
        FormatName::Svg => report::svg::write(record, out),
        FormatName::Trace => report::trace::write(record, out),
    }
}
