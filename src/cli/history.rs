//! `lapse history`: the runs in a folder of runs, in the order of time.

use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::report_files::{Report, ReportFiles, ReportTo};
use super::{output, style, value};
use crate::trial_folders;
use lapse_compare::Run;
use lapse_compare::history::{History, Line};
use lapse_measure::time::Offset;
use lapse_measure::verdict::Conclusion;
use lapse_record::entry::RunHeader;
use lapse_record::journal;
use lapse_report::history::Format;

pub(super) const EXAMPLE: &str = "\
Examples: the last ten rollouts of one release; a page with charts and links; the newest run for github-action-benchmark
  lapse history reports --name shop --last 10
  lapse history reports --report html=reports/index.html
  lapse history reports --name shop --format github-action-benchmark >benchmark.json";

/// The arguments of `lapse history`.
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// The folder whose folders are runs, or hold trials.
    #[arg(default_value = "reports")]
    folder: PathBuf,
    /// Only runs of this name, which is that of their host or what --name gave them [e.g. shop].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The number of runs to show, the newest ones [default: all; e.g. 10].
    #[arg(long, value_name = "N", value_parser = value::count(1, u16::MAX))]
    last: Option<u16>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = value::format::<Format>())]
    format: Format,
    /// A further report to write, in a format of --format [repeatable; e.g. json=history.json].
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = value::report::<Format>)]
    reports: Vec<ReportTo<Format>>,
}

/// Reads the runs and prints their history. What cannot be read is named, and left out.
pub(super) fn execute(args: &HistoryArgs) -> Result<ExitCode> {
    let shown = args.folder.display();
    let folders = folders(&args.folder)?;
    ensure!(
        !folders.is_empty(),
        "{shown} holds no folder of a run: name the folder that `lapse run` writes to, such as reports"
    );
    let report_files = ReportFiles::open_beside::<History>(&args.reports, args.format)?;
    let lines = read(&args.folder, folders, args.name.as_deref(), args.last.map(usize::from));
    ensure!(
        !lines.is_empty(),
        "{shown} holds no run{} that can be read",
        args.name.as_ref().map(|name| format!(" of the name {name:?}")).unwrap_or_default()
    );
    let history = History::of(lines);
    output::print("the history", |out| history.write(args.format, style::of_stdout(), out))?;
    report_files.write(&history).into_iter().collect::<Result<()>>()?;
    let mut formats = args.reports.iter().map(|to| to.format).chain([args.format]);
    Ok(match history.newest_unknown() {
        Some(why) if formats.any(Format::is_of_the_newest_run) => {
            let _ = writeln!(stderr(), "lapse: {why}: there are no figures of the newest run");
            Conclusion::Inconclusive.exit_code().into()
        }
        _ => ExitCode::SUCCESS,
    })
}

/// The folders in `folder` that hold a journal, and the trials in those that hold several, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let is_run = |path: &PathBuf| path.join(journal::FILE).is_file();
    let trials = |path: &Path| trial_folders::find(path).unwrap_or_default().into_iter().map(|(_, trial)| trial);
    let runs = |path: PathBuf| if is_run(&path) { vec![path] } else { trials(&path).filter(is_run).collect() };
    let mut all: Vec<_> = entries.filter_map(|entry| Some(runs(entry.ok()?.path()))).flatten().collect();
    all.sort();
    Ok(all)
}

/// What the runs in these folders below `home` came to, of this name only if one is given, and the newest `last` of them. One record is
/// held at a time.
fn read(home: &Path, folders: Vec<PathBuf>, name: Option<&str>, last: Option<usize>) -> Vec<Line> {
    let leave_out = |error: &journal::Error| drop(writeln!(stderr(), "lapse: {error}: it is left out"));
    let header = |folder: PathBuf| {
        let header = journal::header(&folder).inspect_err(leave_out).ok()?;
        name.is_none_or(|name| header.name == name).then_some((folder, header))
    };
    let mut all: Vec<_> = folders.into_iter().filter_map(header).collect();
    all.sort_by_key(|(_, header)| header.anchor.date_at(Offset::ZERO).as_nanos());
    let newest = all.split_off(all.len().saturating_sub(last.unwrap_or(usize::MAX)));
    let line = |(folder, header): (PathBuf, RunHeader)| {
        let record = journal::read_with(&folder, header).inspect_err(leave_out).ok()?;
        let name = folder.strip_prefix(home).unwrap_or(&folder).to_string_lossy().into_owned();
        let mut line = Line::of(&Run { name, record });
        line.has_page = folder.join("report.html").is_file();
        Some(line)
    };
    newest.into_iter().filter_map(line).collect()
}
