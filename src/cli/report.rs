//! `lapse report`: prints a report of a recorded run.

use std::io::{self, BufWriter, IsTerminal, Write, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use super::{ReportArgs, style};
use lapse_measure::verdict::Conclusion;
use lapse_record::journal;
use lapse_report::format::{Format, Options};

/// Reads the run's journal and prints the report. Of a run whose journal ends before the run did the exit code is that of
/// an interruption.
pub(super) fn execute(args: &ReportArgs) -> Result<ExitCode> {
    let folder = args.folder.display();
    ensure!(
        args.folder.is_dir(),
        "{folder} is no folder: name the folder of a run, such as reports/2026-11-22T20-15-03-shop"
    );
    let record = journal::read(&args.folder).with_context(|| format!("cannot report on {folder}"))?;
    let format = available(args.format.0)?;
    ensure!(
        !format.is_binary() || !stdout().is_terminal(),
        "{format} is nothing to read on a terminal: send it to a file, with > FILE"
    );
    let mut out = BufWriter::new(stdout());
    let options = Options { look: style::of_stdout(), bin: args.bin };
    let written = format.write(&record, options, &mut out).and_then(|()| out.flush());
    match written {
        // A reader such as `head` has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other.context("cannot write the report")?,
    }
    // What came after the journal's end is unknown: a script must not take that for a report of the whole run.
    Ok(if record.cut { Conclusion::Interrupted.exit_code().into() } else { ExitCode::SUCCESS })
}

/// Returns `format` if this build has it, else an error that names the feature.
pub(super) fn available(format: Format) -> Result<Format> {
    match format.missing_feature() {
        None => Ok(format),
        Some(feature) => {
            bail!(
                "{format}: this lapse was built without the feature `{feature}`: build it with `--features {feature}`"
            )
        }
    }
}
