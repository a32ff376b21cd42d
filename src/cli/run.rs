//! `lapse run`: one run, its report, and its exit code.

pub(super) mod trials;

use std::fs::File;
use std::io::{self, BufWriter, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::report_files::ReportFiles;
use super::{RunArgs, github, output, plan, style};
use crate::live::{Live, LiveListener};
use crate::metrics::Subject;
use crate::progress::{Progress, Style};
use crate::run::launch;
use crate::run::plan::Plan;
use lapse_hammer::clock::Clock;
use lapse_measure::verdict::Conclusion;
use lapse_record::journal;
use lapse_record::record::Record;
use lapse_report as report;

/// The reports that are written into every run's folder.
const REPORTS: [(&str, Render); 2] = [("report.json", report::json::write), ("report.html", report::html::write)];

/// A function that writes a record in one format.
type Render = fn(&Record, &mut BufWriter<File>) -> io::Result<()>;

/// Executes the run, or several trials of it, writes the reports, and returns the exit code.
pub(super) fn execute(args: &RunArgs) -> Result<ExitCode> {
    let style = if args.quiet { Style::Quiet } else { Style::fitting() };
    if let Some(said) = args.plan.origin.said() {
        Progress::new(style).say(&said);
    }
    if let Some(count) = args.trials {
        return trials::execute(args, count);
    }
    let mut progress = Progress::new(style);
    let listener = args.live.map(LiveListener::open).transpose()?;
    let outlets = args.metrics.open(&mut progress)?;
    let plan = plan::of(args, Clock::start().anchor())?;
    // A report may go into the run's own folder.
    let report_files = ReportFiles::open(&args.reports).map_err(|error| args.plan.origin.place(error))?;
    let folder = plan.folder.path().to_owned();
    let live = listener.map(|listener| serve(listener, &folder, &mut progress)).transpose()?;
    let metrics = outlets.start(subject(&plan, None))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let record = runtime.block_on(launch::run(plan, &mut progress))?;
    // The run has ended: an error from here on must not look like wrong usage.
    runtime.shutdown_background();
    if progress.is_mid_line() {
        let _ = writeln!(stdout());
    }
    let saved = save(&record, &folder).into_iter().chain([print(&record, &folder)]).chain(report_files.write(&record));
    let saved = saved.chain([github::write_outputs(&record, &folder)]);
    let failed: Vec<_> = saved.filter_map(Result::err).collect();
    for error in &failed {
        let _ = writeln!(stderr(), "lapse: {error:#}: {}", next_step(&folder));
    }
    for complaint in metrics.map(|metrics| metrics.end(&record)).unwrap_or_default() {
        let _ = writeln!(stderr(), "lapse: {complaint}");
    }
    if let Some(live) = live {
        live.end(&record);
    }
    // A report that could not be written leaves no run a pass.
    let conclusion = record.summary.verdict.conclusion;
    let unwritten = !failed.is_empty() && conclusion == Conclusion::Pass;
    Ok(ExitCode::from(if unwritten { Conclusion::Inconclusive } else { conclusion }.exit_code()))
}

/// The run of a plan, or the trial of this number, as those who give its metrics out know it.
fn subject(plan: &Plan, trial: Option<u16>) -> Subject {
    let methods = plan.targets.iter().map(|target| target.request.method.to_string()).collect();
    Subject { folder: plan.folder.path().to_owned(), methods, trial }
}

/// Starts the live page for the run in `folder`, and prints its URL.
fn serve(listener: LiveListener, folder: &Path, progress: &mut Progress) -> Result<Live> {
    progress.say(&format!("the run can be watched at {}", listener.url()?));
    Ok(listener.serve(folder.to_owned())?)
}

/// How to come by a report that could not be written: from the journal, if that is whole.
fn next_step(folder: &Path) -> String {
    let folder_name = folder.display();
    match journal::read(folder) {
        Ok(record) if !record.cut => format!("run `lapse report {folder_name}` for it"),
        Ok(_) | Err(_) => format!(
            "the journal in {folder_name} breaks off as well, so it cannot be made again: free some space, or choose \
             another folder with --out, and run again"
        ),
    }
}

/// Writes the reports that every run's folder has.
pub(super) fn save(record: &Record, folder: &Path) -> [Result<()>; 2] {
    REPORTS.map(|(name, render)| save_one(folder, name, |out| render(record, out)))
}

/// Writes one report under a temporary name first, so that the file is always whole.
fn save_one(folder: &Path, name: &str, render: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let (path, draft) = (folder.join(name), folder.join(format!(".{name}")));
    let write = || {
        let mut file = BufWriter::new(File::create(&draft)?);
        render(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&draft, &path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn print(record: &Record, folder: &Path) -> Result<()> {
    output::print("the report", |out| report::text::write(record, style::of_stdout(), Some(folder), out))
}
