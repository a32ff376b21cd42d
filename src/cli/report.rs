//! `lapse report`: any report again from the recorded run.

use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{FormatName, ReportArgs, look};
use crate::report;
use crate::report::table::Table;
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
    if args.format.is_binary() {
        let format = args.format.name();
        ensure!(!stdout().is_terminal(), "{format} is nothing to read on a terminal: send it to a file, with > FILE");
    }
    let mut out = BufWriter::new(stdout());
    let written = write(&record, args, &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => other.context("cannot write the report").map(|()| ExitCode::SUCCESS),
    }
}

fn write(record: &Record, args: &ReportArgs, out: &mut (impl Write + Send)) -> io::Result<()> {
    let timeline = Table::Timeline { bin: args.bin };
    match args.format {
        FormatName::Text => report::text::write(record, look::of_stdout(), None, out),
        FormatName::Csv => report::csv::write(record, timeline, out),
        FormatName::Parquet => report::parquet::write(record, timeline, out),
        other => write_as(other, record, out),
    }
}

/// Writes a report of which nothing more is to be said than its format: the text is plain, and a row of the timeline
/// stands for a millisecond.
pub(super) fn write_as(format: FormatName, record: &Record, out: &mut (impl Write + Send)) -> io::Result<()> {
    let timeline = Table::Timeline { bin: Duration::from_millis(1) };
    match format {
        FormatName::Text => report::text::write(record, look::of_a_file(), None, out),
        FormatName::Json => report::json::write(record, out),
        FormatName::Csv => report::csv::write(record, timeline, out),
        FormatName::CsvFailures => report::csv::write(record, Table::Failures, out),
        FormatName::CsvEvents => report::csv::write(record, Table::Events, out),
        FormatName::Parquet => report::parquet::write(record, timeline, out),
        FormatName::ParquetFailures => report::parquet::write(record, Table::Failures, out),
        FormatName::ParquetEvents => report::parquet::write(record, Table::Events, out),
        FormatName::Html => report::html::write(record, out),
        FormatName::Junit => report::junit::write(record, out),
        FormatName::Markdown => report::markdown::write(record, out),
        FormatName::Github => report::github::write(record, out),
        FormatName::Openmetrics => report::openmetrics::write(record, out),
        FormatName::Svg => report::svg::write(record, out),
        FormatName::Png => report::png::write(record, out),
        FormatName::Trace => report::trace::write(record, out),
    }
}
