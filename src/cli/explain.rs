//! `lapse explain`: says why a recorded run lost requests.

use std::io::{self, BufWriter, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::style;
use lapse_explain::explanation::Explanation;
use lapse_record::journal;
use lapse_report::{json, text};

pub(super) const EXAMPLE: &str = "\
Example: the causes of the worked example, and the cure with its own figures
  lapse explain reports/story";

/// The arguments of `lapse explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The folder of a run; the run may have been cut short or still be going on.
    folder: PathBuf,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: FormatName,
}

/// A format of an explanation, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people.
    Text,
    /// For programs: the key `explanation` of report.json.
    Json,
}

/// Reads the run's journal and prints why it lost requests.
pub(super) fn execute(args: &ExplainArgs) -> Result<ExitCode> {
    let folder = args.folder.display();
    ensure!(
        args.folder.is_dir(),
        "{folder} is no folder: name the folder of a run, such as reports/2026-11-22T20-15-03-shop"
    );
    let record = journal::read(&args.folder).with_context(|| format!("cannot explain {folder}"))?;
    let explanation = Explanation::of(&record);
    let mut out = BufWriter::new(stdout());
    let written = match args.format {
        FormatName::Text => text::write_explanation(&record, &explanation, style::of_stdout(), &mut out),
        FormatName::Json => json::write_explanation(&record, &explanation, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        // The reader has closed the pipe, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("cannot write the explanation")?,
    }
    Ok(ExitCode::SUCCESS)
}
