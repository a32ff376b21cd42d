//! `lapse try`: plays a scenario's rollout again with each cure that fits, and says which is the cheapest that loses
//! nothing.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::plan_file::scenario;
use super::{TextOrJson, output, plan, style, value};
use crate::cures::{self, Table, Trials};
use crate::run::plan::Plan;
use lapse_hammer::clock::Clock;
use lapse_lab::scenario::Scenario;
use lapse_measure::verdict::Conclusion;

pub(super) const EXAMPLE: &str = "\
Example: what would keep the wine store's rollout from losing requests, each cure tried five times
  lapse try scenarios/wine-store.yaml --trials 5";

/// The arguments of `lapse try`.
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// The file of the scenario.
    scenario: String,
    /// The act whose rollout is tried, by name [default: the first].
    #[arg(long, value_name = "NAME")]
    act: Option<String>,
    /// How often each cure is tried.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value::count(1, 1_000))]
    trials: u16,
    /// How many worlds are played side by side [default: one a core].
    #[arg(long, value_name = "N", value_parser = value::count(1, 64))]
    at_once: Option<u16>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: TextOrJson,
    /// The folder for the runs; it must be new or empty [default: the runs are not kept].
    #[arg(short, long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print no progress.
    #[arg(short, long)]
    quiet: bool,
}

/// Plays all trials and prints the table. The exit code is 0 if a cure lost nothing, or if there is nothing to cure.
pub(super) fn execute(args: &TryArgs) -> Result<ExitCode> {
    let scenario = scenario::read(&args.scenario)?;
    let act = act(&scenario, args.act.as_deref())?;
    let kept = args.out.as_deref().map(new_folder).transpose()?;
    let temporary = tempfile::tempdir().context("cannot make a temporary folder for the runs")?;
    let settings = Trials {
        scenario,
        act,
        each: usize::from(args.trials),
        at_once: at_once(args.at_once),
        folder: kept.unwrap_or_else(|| temporary.path().to_owned()),
    };
    let Some(table) = play(&settings, args.quiet)? else {
        return Ok(ExitCode::from(Conclusion::Interrupted.exit_code()));
    };
    let text = match args.format {
        TextOrJson::Text => table.text(style::of_stdout()),
        TextOrJson::Json => table.json(),
    };
    output::print("the table", |out| out.write_all(text.as_bytes()))?;
    let cured = !table.loses() || table.cheapest().is_some();
    Ok(if cured { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Plays all trials, and says on stderr what is played unless it is to be quiet; `None` if a signal ended them.
pub(super) fn play(settings: &Trials, quiet: bool) -> Result<Option<Table>> {
    cures::run(settings, plan_of, |text| say(quiet, text))
}

/// The plan of a trial, in this new folder.
pub(super) fn plan_of(scenario: &Scenario, folder: &Path) -> Result<Plan> {
    plan::of_scenario(scenario.clone(), folder, Clock::start().anchor())
}

/// The number of worlds side by side: as typed, or one a core.
pub(super) fn at_once(typed: Option<u16>) -> usize {
    typed.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

/// Says on stderr how far it is.
pub(super) fn say(quiet: bool, text: &str) {
    if !quiet {
        // Stderr is closed: progress is no reason to end.
        let _ = writeln!(stderr(), "{text}");
    }
}

/// The place of the act of this name; the first without one.
fn act(scenario: &Scenario, name: Option<&str>) -> Result<usize> {
    let Some(name) = name else { return Ok(0) };
    let place = scenario.acts().iter().position(|act| act.name == name);
    let Some(place) = place else {
        let known: Vec<_> = scenario.acts().iter().map(|act| format!("{:?}", act.name)).collect();
        bail!("--act {name:?} is no act of the scenario: its acts are {}", known.join(", "));
    };
    Ok(place)
}

fn new_folder(path: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
    let is_empty = std::fs::read_dir(path).map(|mut entries| entries.next().is_none());
    let is_empty = is_empty.with_context(|| format!("cannot read the folder {}", path.display()))?;
    ensure!(is_empty, "{} is not empty: choose a new folder with --out", path.display());
    Ok(path.to_owned())
}
