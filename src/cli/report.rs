//! `lapse report`: prints a report of a recorded run.

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::budget::{self, BudgetArgs, ProfileName};
use super::report_files::{Report, available};
use super::run::trials::format_of_trials;
use super::{ReportArgs, output, style};
use crate::recorded::Recorded;
use crate::trial_folders;
use lapse_measure::verdict::Conclusion;
use lapse_record::entry::RunHeader;
use lapse_record::journal;
use lapse_report::format::Options;

/// Reads the run's journal and prints the report. If the journal ends before the run did, the exit code is that of an
/// interruption.
pub(super) fn execute(args: &ReportArgs) -> Result<ExitCode> {
    let folders = trial_folders::find(Path::new(&args.run)).unwrap_or_default();
    if !folders.is_empty() {
        return of_trials(args, &folders);
    }
    let run = Recorded::find(&args.run)?;
    let judged_again = judged_again(args);
    let cannot = || format!("cannot report on {}", args.run);
    let mut header = journal::header(run.folder()).with_context(cannot)?;
    judge_again(args, &mut header)?;
    let record = journal::read_with(run.folder(), header).with_context(cannot)?;
    let format = available(args.format)?;
    ensure!(
        !format.is_binary() || !stdout().is_terminal(),
        "{format} is nothing to read on a terminal: send it to a file, with > FILE"
    );
    let options = Options { look: style::of_stdout(), bin: args.bin };
    output::print("the report", |out| format.write(&record, options, out))?;
    // The rest of a run that was cut short is unknown: a script must not take its report for one of the whole run.
    Ok(match record.summary.verdict.conclusion {
        conclusion if judged_again => conclusion.exit_code().into(),
        _ if record.cut => Conclusion::Interrupted.exit_code().into(),
        _ => ExitCode::SUCCESS,
    })
}

/// Reads the journals of trials and prints what they come to. If there is more of them to know, the exit code is that of
/// an interruption.
fn of_trials(args: &ReportArgs, folders: &[(u16, PathBuf)]) -> Result<ExitCode> {
    let format = format_of_trials(args.format)?;
    let trials = trial_folders::read(folders, |header| judge_again(args, header))?;
    ensure!(!trials.trials.is_empty(), "{} holds no trial that can be read: none was made", args.run);
    output::print("the report", |out| trials.write(format, style::of_stdout(), out))?;
    Ok(match trials.conclusion {
        conclusion if judged_again(args) || conclusion == Conclusion::Interrupted => conclusion.exit_code().into(),
        _ => ExitCode::SUCCESS,
    })
}

/// The gate that was typed, or that of the profile.
fn gate(args: &ReportArgs) -> Option<std::time::Duration> {
    args.judge.gate.or(args.profile.map(ProfileName::gate))
}

/// Whether any flag for the verdict is given.
fn judged_again(args: &ReportArgs) -> bool {
    let BudgetArgs { ignore_shorter_than, resolution, max_blind, .. } = &args.judge;
    let rules = gate(args).is_some() || ignore_shorter_than.is_some() || resolution.is_some() || max_blind.is_some();
    rules || args.judge.has_a_budget()
}

/// Replaces the run's own budgets and rules by those that are given; the others stay.
fn judge_again(report: &ReportArgs, header: &mut RunHeader) -> Result<()> {
    let args = &report.judge;
    let policies = header.targets.first().map(|target| target.policies.clone()).unwrap_or_default();
    let budgets = budget::for_recorded(args, &header.names(), &policies)?;
    if !budgets.is_empty() {
        header.budgets = budgets;
    }
    header.gate = gate(report).unwrap_or(header.gate);
    header.rules.resolution = args.resolution.unwrap_or(header.rules.resolution);
    header.rules.ignore_shorter_than = args.ignore_shorter_than.unwrap_or(header.rules.ignore_shorter_than);
    header.rules.max_blind = args.max_blind.or(header.rules.max_blind);
    Ok(())
}
