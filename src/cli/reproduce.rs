//! `lapse reproduce`: writes a scenario that loses requests as a recorded run did, plays it, and holds it against the run.

mod page;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::manifests::ManifestArgs;
use super::{output, style, try_cures, value};
use crate::cures::{Table as Cures, Trials};
use crate::plays::{self, Plays};
use crate::recorded::Recorded;
use lapse_measure::schedule::Rate;
use lapse_measure::verdict::Conclusion;
use lapse_record::event::ObjectKind;
use lapse_record::journal;
use lapse_record::record::Record;
use lapse_reproduce::agreement::{Agreement, Table};
use lapse_reproduce::draft::Draft;
use lapse_reproduce::run::{Beside, Choice, HopKind, reproduce};

pub(super) const EXAMPLE: &str = "\
Examples: the worked example without a cluster; with the cure that would have kept it from losing requests
  lapse reproduce reports/story --out story.yaml
  lapse reproduce reports/story --try cures
  helm get manifest shop | lapse reproduce reports/2026-11-22T20-15-03-shop --manifests -";

/// The arguments of `lapse reproduce`.
#[derive(Debug, Args)]
pub(super) struct ReproduceArgs {
    /// The folder of a run, a file that `lapse export` wrote, or the URL of one.
    run: String,
    #[command(flatten)]
    manifests: ManifestArgs,
    /// The target that is reproduced [default: the one that lost most].
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// The act that is reproduced, of the run of a scenario [default: the first that lost requests].
    #[arg(long, value_name = "NAME")]
    act: Option<String>,
    /// The hop in front of the pods [default: by who answered in their place].
    #[arg(long, value_name = "HOP")]
    hop: Option<HopName>,
    /// Probes a second of the scenario [default: those of the run, 2000/s at the most; e.g. 500/s].
    #[arg(long, value_name = "N/s", value_parser = value::rate)]
    rate: Option<Rate>,
    /// The file for the scenario, or - for standard output with --no-run [default: NAME-reproduced.yaml, which must not be
    /// there yet].
    #[arg(short, long, value_name = "FILE|-")]
    out: Option<PathBuf>,
    /// Write the scenario and do not play it.
    #[arg(long, conflicts_with_all = ["what", "format", "trials", "at_once"])]
    no_run: bool,
    /// What to try on the scenario: each cure that fits, as `lapse try` does.
    #[arg(long = "try", value_name = "WHAT")]
    what: Option<Tried>,
    /// How often the scenario is played, and each cure tried.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value::count(1, 1_000))]
    trials: u16,
    /// How many worlds are played side by side [default: one, so that none takes another's processor; of cures one a core].
    #[arg(long, value_name = "N", value_parser = value::count(1, 64))]
    at_once: Option<u16>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: FormatName,
    /// Print no progress.
    #[arg(short, long)]
    quiet: bool,
}

/// A kind of hop, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HopName {
    /// Passes connections on to pods, as kube-proxy does.
    Service,
    /// Passes requests on, and tries another pod.
    Ingress,
    /// Passes requests on, without retries.
    Elb,
}

/// What is tried on a scenario, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tried {
    /// Each cure that fits.
    Cures,
}

/// A format, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What came of a run: its scenario, the table of its figures, and of cures if they were tried.
pub(super) struct Outcome<'a> {
    draft: &'a Draft,
    /// The scenario as it was written.
    yaml: &'a str,
    /// The file of the scenario.
    file: &'a Path,
    table: Table,
    cures: Option<Cures>,
}

impl From<HopName> for HopKind {
    fn from(name: HopName) -> Self {
        match name {
            HopName::Service => Self::Service,
            HopName::Ingress => Self::Ingress,
            HopName::Elb => Self::Elb,
        }
    }
}

/// Writes the scenario, plays it and prints how it compares.
pub(super) fn execute(args: &ReproduceArgs) -> Result<ExitCode> {
    let to_stdout = args.out.as_deref() == Some(Path::new("-"));
    ensure!(
        !to_stdout || args.no_run,
        "--out - prints the scenario where the table goes: name a file, or add --no-run"
    );
    let run = Recorded::find(&args.run)?;
    let record = journal::read(run.folder()).with_context(|| format!("cannot reproduce {}", args.run))?;
    let rollout = args.manifests.rollout(&followed(&record))?;
    let cannot = || format!("cannot reproduce {}", args.run);
    let choice = Choice::of(&record, args.target.as_deref(), args.act.as_deref()).with_context(cannot)?;
    let beside = Beside { manifests: rollout.as_ref(), hop: args.hop.map(Into::into), rate: args.rate };
    let draft = reproduce(&record, &choice, &beside).with_context(cannot)?;
    let yaml = draft.to_yaml()?;
    if to_stdout {
        return output::print("the scenario", |out| out.write_all(yaml.as_bytes())).map(|()| ExitCode::SUCCESS);
    }
    let file = write(args.out.as_deref(), &draft, &yaml)?;
    if args.no_run {
        return output::print("the file", |out| writeln!(out, "{}", file.display())).map(|()| ExitCode::SUCCESS);
    }
    let interrupted = || Ok(ExitCode::from(Conclusion::Interrupted.exit_code()));
    let Some(table) = play(args, &draft, |plays| Table::of(&record, &choice, plays))? else { return interrupted() };
    let cures = match args.what {
        Some(Tried::Cures) => match try_cures(args, &draft)? {
            Some(cures) => Some(cures),
            None => return interrupted(),
        },
        None => None,
    };
    let outcome = Outcome { draft: &draft, yaml: &yaml, file: &file, table, cures };
    let text = match args.format {
        FormatName::Text => page::text(&outcome, style::of_stdout()),
        FormatName::Json => page::json(&outcome),
    };
    output::print("the table", |out| out.write_all(text.as_bytes()))?;
    Ok(outcome.exit_code())
}

impl Outcome<'_> {
    /// Whether a figure differs and the plays are no reason to think that the scenario does.
    fn is_undecided(&self) -> bool {
        self.table.worst() == Agreement::Differs && !self.table.doubts.is_empty()
    }

    fn exit_code(&self) -> ExitCode {
        let cured = self.cures.as_ref().is_none_or(|cures| !cures.loses() || cures.cheapest().is_some());
        match (self.table.worst(), cured) {
            _ if self.is_undecided() => ExitCode::from(3),
            (Agreement::Differs, _) | (_, false) => ExitCode::from(1),
            (Agreement::Agrees | Agreement::Near, true) => ExitCode::SUCCESS,
        }
    }
}

/// The names of the workloads that the run followed.
fn followed(record: &Record) -> BTreeSet<&str> {
    let objects = record.events.iter().filter_map(|event| event.object.as_ref());
    let workloads = objects.filter(|object| {
        matches!(
            object.kind,
            ObjectKind::Deployment | ObjectKind::StatefulSet | ObjectKind::DaemonSet | ObjectKind::Rollout
        )
    });
    workloads.map(|object| object.name.as_str()).collect()
}

/// Writes the scenario to the file that is named, or to a new one with its own name.
fn write(typed: Option<&Path>, draft: &Draft, yaml: &str) -> Result<PathBuf> {
    if let Some(path) = typed {
        fs::write(path, yaml).with_context(|| format!("cannot write the scenario to {}", path.display()))?;
        return Ok(path.to_owned());
    }
    let path = PathBuf::from(format!("{}.yaml", draft.scenario.name()));
    let opened = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = opened.with_context(|| {
        format!("cannot write the scenario to a new file {}: choose another with --out", path.display())
    })?;
    file.write_all(yaml.as_bytes()).with_context(|| format!("cannot write the scenario to {}", path.display()))?;
    Ok(path)
}

/// Plays the scenario and looks at the records; `None` if a signal ended that.
fn play<T>(args: &ReproduceArgs, draft: &Draft, look: impl FnOnce(&[Record]) -> T) -> Result<Option<T>> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder for the runs")?;
    let plays = Plays { times: usize::from(args.trials), at_once: args.at_once.map_or(1, usize::from) };
    try_cures::say(args.quiet, &format!("the scenario is played {} x", args.trials));
    let records = plays::play(&draft.scenario, plays, temporary.path(), try_cures::plan_of)?;
    Ok(records.map(|records| look(&records)))
}

/// Tries each cure that fits; `None` if a signal ended that.
fn try_cures(args: &ReproduceArgs, draft: &Draft) -> Result<Option<Cures>> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder for the runs")?;
    let settings = Trials {
        scenario: draft.scenario.clone(),
        act: 0,
        each: usize::from(args.trials),
        at_once: try_cures::at_once(args.at_once),
        folder: temporary.path().to_owned(),
    };
    try_cures::play(&settings, args.quiet)
}
