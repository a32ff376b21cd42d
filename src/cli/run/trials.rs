//! `lapse run --trials`: several rollouts one after the other, each a run in a folder of its own, and what they come to.

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::super::report_files::{ReportFiles, ReportTo};
use super::super::{RunArgs, output, plan, style, value};
use super::{save, save_one, subject};
use crate::metrics::{MetricsThread, Outlets};
use crate::progress::{Progress, Style};
use crate::run::launch;
use crate::run::plan::{Folder, Plan};
use crate::run::signal::Signals;
use crate::trial_folders::name;
use lapse_compare::Run;
use lapse_compare::trials::{Missing, Trial, Trials};
use lapse_hammer::clock::Clock;
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;
use lapse_report::format::{Format, Named};
use lapse_report::trials as report;

/// The file in the folder of the trials that says what they come to.
const SUMMARY: &str = "trials.json";
/// How long a signal that came between two trials is waited for.
const MOMENT: Duration = Duration::from_millis(1);

/// Makes the trials, writes their reports, and returns the exit code.
pub(super) fn execute(args: &RunArgs, count: u16) -> Result<ExitCode> {
    let reports = args.reports.iter().map(of_trials).collect::<Result<Vec<_>>>()?;
    let style = if args.quiet { Style::Quiet } else { Style::fitting() };
    let outlets = args.metrics.open(&mut Progress::new(style))?;
    let plan = plan::of(args, Clock::start().anchor())?;
    let report_files = ReportFiles::open(&reports)?;
    let home = plan.folder.path().to_owned();
    let folder = |number| Ok((number, Folder::at(&home.join(name(number)))?));
    let folders = (1..=count).map(folder).collect::<Result<Vec<_>>>()?;
    let mut failed = Vec::new();
    let trials = make(&plan, folders, &Ways { style, outlets }, &mut failed)?;
    let made = trials.len();
    let missing = (1..=count).skip(made).map(|number| Missing { number, why: None });
    let trials = Trials::of(trials, missing.collect());
    failed.extend(save_one(&home, SUMMARY, |out| report::json::write(&trials, out)).err());
    let print = |out: &mut _| report::write_text(&trials, style::of_stdout(), Some(&home), out);
    failed.extend(output::print("the report", print).err());
    failed.extend(report_files.write(&trials).into_iter().filter_map(Result::err));
    for error in &failed {
        let _ = writeln!(stderr(), "lapse: {error:#}: run `lapse report {}` for it", home.display());
    }
    // A report that could not be written leaves no run a pass.
    let unwritten = !failed.is_empty() && trials.conclusion == Conclusion::Pass;
    Ok(if unwritten { Conclusion::Inconclusive } else { trials.conclusion }.exit_code().into())
}

/// How trials are told of while they go on.
#[derive(Debug)]
struct Ways {
    style: Style,
    /// Where the metrics of each trial go.
    outlets: Outlets,
}

/// Makes one trial after the other, until the last, a signal, or a command that failed. An error means that not even the
/// first could begin.
fn make(plan: &Plan, folders: Vec<(u16, Folder)>, ways: &Ways, failed: &mut Vec<anyhow::Error>) -> Result<Vec<Trial>> {
    let mut between = Between::watch()?;
    let (count, mut trials, mut complaints) = (folders.len(), Vec::new(), Vec::new());
    for (number, folder) in folders {
        let mut progress = Progress::new(ways.style);
        progress.say(&format!("trial {number} of {count}"));
        let path = folder.path().to_owned();
        let plan = plan.for_trial(number, folder);
        let (record, metrics) = match play(plan, number, &ways.outlets, &mut progress) {
            Ok(made) => made,
            Err(error) if trials.is_empty() => return Err(error),
            Err(error) => {
                let _ = writeln!(stderr(), "lapse: trial {number} could not begin, and the trials end here: {error:#}");
                break;
            }
        };
        if progress.is_mid_line() {
            let _ = writeln!(stdout());
        }
        failed.extend(save(&record, &path).into_iter().filter_map(Result::err));
        let run = Run { name: name(number), record };
        let trial = Trial::of(number, &run);
        Progress::new(ways.style).say(&format!("trial {number} of {count}: {}", report::in_short(&trial)));
        if let Some(metrics) = metrics {
            say_new(metrics.end(&run.record), &mut complaints);
        }
        let is_the_last = trial.is_the_last();
        trials.push(trial);
        if is_the_last || between.has_come() {
            break;
        }
    }
    Ok(trials)
}

/// Prints what could not be sent, unless it was said of an earlier trial.
fn say_new(complaints: Vec<String>, said: &mut Vec<String>) {
    for complaint in complaints {
        if !said.contains(&complaint) {
            let _ = writeln!(stderr(), "lapse: {complaint}");
            said.push(complaint);
        }
    }
}

/// Makes one trial, and gives out its metrics meanwhile. What it left behind in its runtime ends with it.
fn play(
    plan: Plan,
    number: u16,
    outlets: &Outlets,
    progress: &mut Progress,
) -> Result<(Record, Option<MetricsThread>)> {
    let metrics = outlets.start(subject(&plan, Some(number)))?;
    let runtime = runtime()?;
    let record = runtime.block_on(launch::run(plan, progress))?;
    runtime.shutdown_background();
    Ok((record, metrics))
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// The signals that come between two trials, while no run listens.
#[derive(Debug)]
struct Between {
    runtime: Runtime,
    signals: Signals,
}

impl Between {
    fn watch() -> Result<Self> {
        let runtime = runtime()?;
        let signals = runtime.block_on(async { Signals::catch() }).context("cannot catch signals")?;
        Ok(Self { runtime, signals })
    }

    /// Whether a signal asked for the end.
    fn has_come(&mut self) -> bool {
        let Self { runtime, signals } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = signals.next() => true,
                () = sleep(MOMENT) => false,
            }
        })
    }
}

/// The report of all trials in the format that was typed for one run; an error if they have none.
fn of_trials(ReportTo { format, file }: &ReportTo<Format>) -> Result<ReportTo<report::Format>> {
    Ok(ReportTo { format: format_of_trials(*format)?, file: file.clone() })
}

/// The format of trials that is called as this one of a run.
pub(in super::super) fn format_of_trials(format: Format) -> Result<report::Format> {
    let why =
        |why| anyhow::anyhow!("{why}; a trial is a run, which `lapse report FOLDER/{}` has in any format", name(1));
    value::named(format.name()).map_err(why)
}
