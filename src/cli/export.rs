//! `lapse export`: packs a recorded run into one file that can be handed on.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use regex::Regex;

use super::{output, style};
use crate::recorded::Recorded;
use lapse_export::archive::{self, ENDING};
use lapse_export::redact::Redactor;
use lapse_record::journal::{self, FILE, Journal, Reader};
use lapse_record::record::Record;
use lapse_report::format::{Format, Options};

pub(super) const EXAMPLE: &str = "\
Examples: pack a run for a colleague, without the numbers of customers that its output names; look at it
  lapse export reports/2026-11-22T20-15-03-shop --redact '(?P<keep>customer )[0-9]+'
  lapse report 2026-11-22T20-15-03-shop.lapse.tar.gz";

/// The reports that are packed with a journal: for programs, for a browser, for a spreadsheet.
const REPORTS: [(&str, Format); 3] =
    [("report.json", Format::Json), ("report.html", Format::Html), ("events.csv", Format::CsvEvents)];

/// The arguments of `lapse export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The folder of a run, a file that was exported before, or the URL of one.
    run: String,
    /// The file to write; it must not exist [default: NAME.lapse.tar.gz in the current folder].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What else to take out: whatever matches this regular expression, but for its group named `keep` [repeatable; e.g.
    /// 'customer [0-9]+'].
    #[arg(long, value_name = "REGEX")]
    redact: Vec<Regex>,
}

/// Packs the run, and says what was taken out.
pub(super) fn execute(args: &ExportArgs) -> Result<ExitCode> {
    let run = Recorded::find(&args.run)?;
    let name = name_of(&args.run);
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}{ENDING}")));
    let cannot_write = || format!("cannot write {}: choose a new file with --out", out.display());
    ensure!(!out.exists(), "{} exists: choose a new file with --out, or delete it", out.display());
    let draft = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut redactor = Redactor::new(&args.redact).context("a --redact is too large")?;
    redact(run.folder(), draft.path(), &mut redactor).with_context(|| format!("cannot export {}", args.run))?;
    let record = journal::read(draft.path()).with_context(|| format!("cannot export {}", args.run))?;
    let mut files = vec![(FILE, draft.path().join(FILE))];
    for (name, format) in REPORTS {
        let path = draft.path().join(name);
        write_report(&record, format, &path).with_context(|| format!("cannot write {}", path.display()))?;
        files.push((name, path));
    }
    let packed = File::create_new(&out).and_then(|file| archive::pack(file, &name, &files));
    if let Err(error) = packed {
        // Half an archive is of no use; that it cannot be deleted either is not the error to report.
        let _ = std::fs::remove_file(&out);
        return Err(anyhow!(error).context(cannot_write()));
    }
    say(&out, &redactor)?;
    Ok(ExitCode::SUCCESS)
}

/// Copies the journal of a run without what may be secret.
fn redact(run: &Path, to: &Path, redactor: &mut Redactor) -> Result<()> {
    let mut entries = Reader::of(run)?;
    let mut header = entries.header().clone();
    redactor.header(&mut header);
    let mut copy = Journal::create(to, &header)?;
    while let Some(mut entry) = entries.next_entry() {
        redactor.entry(&mut entry);
        copy.append(&entry)?;
    }
    Ok(())
}

fn write_report(record: &Record, format: Format, path: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    format.write(record, Options { look: style::of_stdout(), bin: Duration::from_millis(1) }, &mut out)?;
    Ok(out.flush()?)
}

/// The name of the run in its archive: that of its folder or file.
fn name_of(run: &str) -> String {
    let full = Path::new(run).canonicalize().unwrap_or_else(|_| PathBuf::from(run));
    let name = full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    name.strip_suffix(ENDING).map_or(name.clone(), str::to_owned)
}

/// Says what was written, and what was taken out of it.
fn say(out: &Path, redactor: &Redactor) -> Result<()> {
    let mut text = format!("{}: the run with its reports\n", out.display());
    if redactor.found().is_empty() {
        text.push_str("nothing in it looked secret; --redact REGEX takes out more\n");
    } else {
        text.push_str("taken out of it, as it may be secret:\n");
        for ((place, kind), times) in redactor.found() {
            text.extend(["  ", kind, " in ", place.name(), ": ", &times.to_string(), " x\n"]);
        }
        text.push_str("names, addresses and all else stay: --redact REGEX takes out more\n");
    }
    output::print("what was packed", |out| out.write_all(text.as_bytes()))
}
