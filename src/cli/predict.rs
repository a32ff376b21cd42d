//! `lapse predict`: says before a rollout what it will lose, why, and what would keep it from that.

mod page;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::lint::input::Texts;
use super::reproduce::HopName;
use super::{manifests, output, style, try_cures, value};
use crate::cures::{Table as Cures, Trials};
use crate::plays::{self, Plays};
use crate::recorded::Recorded;
use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::pod::OnSigterm;
use lapse_lint::rollout::Rollout;
use lapse_lint::upgrade::{Upgrade, upgrade};
use lapse_measure::schedule::Rate;
use lapse_measure::verdict::Conclusion;
use lapse_record::journal;
use lapse_record::record::Record;
use lapse_reproduce::draft::Draft;
use lapse_reproduce::prediction::{Measured, Typed, predict};
use lapse_reproduce::run::Choice;

pub(super) const EXAMPLE: &str = "\
Examples: a chart, before it is installed; its upgrade from what is installed; with values; with lags that a run measured
  lapse predict ./chart
  helm get manifest shop > now.yaml; lapse predict ./chart --before now.yaml
  helm template shop ./chart --values prod.yaml | lapse predict - --on-sigterm drain
  lapse predict rendered.yaml --from reports/2026-11-22T20-15-03-shop";

/// The arguments of `lapse predict`.
#[derive(Debug, Args)]
pub(super) struct PredictArgs {
    /// The folder of a chart, to be rendered by `helm template` with its own values; rendered manifests: a file or a folder
    /// of YAML or JSON, or - for standard input.
    #[arg(value_name = "CHART|FILE|FOLDER|-")]
    what: String,
    /// The workload that will be rolled out, where there are several that get requests.
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// The manifests of the release that is there now, to predict what the upgrade from it loses: old pods end as these say,
    /// and a Service may be switched to other pods [repeatable; e.g. what `helm get manifest shop` prints].
    #[arg(long, value_name = "FILE|FOLDER")]
    before: Vec<String>,
    /// A run in the same cluster, whose lags, starts and ends are taken over: a folder, an exported file, or a URL.
    #[arg(long, value_name = "RUN")]
    from: Option<String>,
    /// What pods do on SIGTERM, which no manifest says [default: as in --from, or exit].
    #[arg(long, value_name = "WHAT")]
    on_sigterm: Option<Sigterm>,
    /// The hop in front of the pods [default: as in --from, or an ingress where one leads to them, or a service].
    #[arg(long, value_name = "HOP")]
    hop: Option<HopName>,
    /// How long the hop goes by an old list of pods [default: as in --from, or 200ms..1200ms; e.g. 1s..2s].
    #[arg(long, value_name = "TIME|RANGE")]
    lag: Option<DurationRange>,
    /// The time from a pod's creation until it is ready [default: as in --from, or 1s; e.g. 5s..8s].
    #[arg(long, value_name = "TIME|RANGE")]
    ready: Option<DurationRange>,
    /// The time to answer a request [default: as in --from, or 10ms; e.g. 20ms..200ms].
    #[arg(long, value_name = "TIME|RANGE")]
    work: Option<DurationRange>,
    /// Probes a second.
    #[arg(long, value_name = "N/s", value_parser = value::rate)]
    rate: Option<Rate>,
    /// How often the rollout is played, and each cure tried.
    #[arg(long, value_name = "N", default_value = "3", value_parser = value::count(1, 1_000))]
    trials: u16,
    /// How many worlds are played side by side [default: one; of cures one a core].
    #[arg(long, value_name = "N", value_parser = value::count(1, 64))]
    at_once: Option<u16>,
    /// Do not try cures.
    #[arg(long)]
    no_cures: bool,
    /// A file for the scenario that is played [e.g. shop.yaml].
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: FormatName,
    /// Print no progress.
    #[arg(short, long)]
    quiet: bool,
}

/// What pods do on SIGTERM, as typed: in the words of scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sigterm {
    /// Exit at once, and drop all connections.
    Exit,
    /// Stop listening, finish the requests under way, and exit.
    Finish,
    /// Stop listening, ask clients to reconnect, and exit once they have.
    Drain,
    /// Serve on until SIGKILL.
    Ignore,
}

/// A format, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What was found out: what each play of the rollout lost, and what cures it.
pub(super) struct Prediction {
    rollout: Rollout,
    /// What the upgrade does, if the release before it is known.
    upgrade: Option<Upgrade>,
    draft: Draft,
    /// The scenario that was played, as YAML.
    yaml: String,
    /// The plays, that which lost most first.
    plays: Vec<Record>,
    cures: Option<Cures>,
}

impl From<Sigterm> for OnSigterm {
    fn from(typed: Sigterm) -> Self {
        match typed {
            Sigterm::Exit => Self::Exit,
            Sigterm::Finish => Self::Finish,
            Sigterm::Drain => Self::Drain,
            Sigterm::Ignore => Self::Ignore,
        }
    }
}

/// Plays the rollout and prints what it will lose.
pub(super) fn execute(args: &PredictArgs) -> Result<ExitCode> {
    let (rollout, upgrade) = rollout(args)?;
    if let Some(why) = upgrade.as_ref().and_then(idle) {
        return nothing_rolls(args, &rollout, why);
    }
    let measured = args.from.as_deref().map(measured).transpose()?;
    let typed = Typed {
        lag: args.lag,
        ready: args.ready,
        work: args.work,
        on_sigterm: args.on_sigterm.map(Into::into),
        hop: args.hop.map(Into::into),
        rate: args.rate,
    };
    let draft = predict(&rollout, upgrade.as_ref(), &typed, measured.as_ref())
        .context("no scenario follows from the manifests")?;
    let yaml = draft.to_yaml()?;
    if let Some(path) = &args.out {
        fs::write(path, &yaml).with_context(|| format!("cannot write the scenario to {}", path.display()))?;
    }
    let interrupted = || Ok(ExitCode::from(Conclusion::Interrupted.exit_code()));
    let temporary = tempfile::tempdir().context("cannot make a temporary folder for the runs")?;
    let folder = |name: &str| temporary.path().join(name);
    try_cures::say(args.quiet, &format!("the rollout is played {} x", args.trials));
    let how = Plays { times: usize::from(args.trials), at_once: args.at_once.map_or(1, usize::from) };
    let played = plays::play(&draft.scenario, how, &folder("plays"), try_cures::plan_of)?;
    let Some(mut plays) = played else { return interrupted() };
    plays.sort_by_key(|play| std::cmp::Reverse(lost(play)));
    let mut prediction = Prediction { rollout, upgrade, draft, yaml, plays, cures: None };
    if prediction.loses() && !args.no_cures {
        let settings = Trials {
            scenario: prediction.draft.scenario.clone(),
            act: 0,
            each: usize::from(args.trials),
            at_once: try_cures::at_once(args.at_once),
            folder: folder("cures"),
        };
        let Some(cures) = try_cures::play(&settings, args.quiet)? else { return interrupted() };
        prediction.cures = Some(cures);
    }
    let text = match args.format {
        FormatName::Text => page::text(&prediction, style::of_stdout())?,
        FormatName::Json => page::json(&prediction)?,
    };
    output::print("the prediction", |out| out.write_all(text.as_bytes()))?;
    Ok(prediction.exit_code())
}

/// The requests that a play lost, from the beginning of its rollout on.
fn lost(play: &Record) -> u64 {
    play.summary.acts.iter().flat_map(|act| &act.totals).map(|totals| totals.failed).sum()
}

impl Prediction {
    fn loses(&self) -> bool {
        self.plays.iter().any(|play| lost(play) > 0)
    }

    /// Why the plays may not have shown what the rollout loses.
    fn doubts(&self) -> BTreeSet<&String> {
        self.plays.iter().flat_map(|play| play.summary.verdict.beyond_budgets()).collect()
    }

    fn exit_code(&self) -> ExitCode {
        match (self.loses(), self.doubts().is_empty()) {
            (true, _) => ExitCode::from(1),
            (false, false) => ExitCode::from(3),
            (false, true) => ExitCode::SUCCESS,
        }
    }
}

/// The rollout that the manifests describe, and what it is an upgrade of.
fn rollout(args: &PredictArgs) -> Result<(Rollout, Option<Upgrade>)> {
    let mut texts = Texts::default();
    let path = Path::new(&args.what);
    if path.join("Chart.yaml").is_file() {
        texts.render(path)?;
    } else {
        manifests::read(&mut texts, &args.what)?;
    }
    let rollout = manifests::choose(&texts, args.workload.as_deref(), &BTreeSet::new())?;
    if args.before.is_empty() {
        return Ok((rollout, None));
    }
    let mut before = Texts::default();
    args.before.iter().try_for_each(|path| before.read_path(path))?;
    manifests::readable(&before)?;
    let upgrade = upgrade(&before.sources(), &texts.sources(), &rollout);
    Ok((rollout, Some(upgrade)))
}

/// Why an upgrade replaces no pod that serves; `None` if it may.
const fn idle(upgrade: &Upgrade) -> Option<&'static str> {
    match upgrade {
        Upgrade::Unchanged => Some("the upgrade leaves its pod template as it is, so that no pod is replaced"),
        Upgrade::Installed => Some("in the release before, nothing served where it serves"),
        Upgrade::Replaced(_) | Upgrade::Switched(_) => None,
    }
}

fn nothing_rolls(args: &PredictArgs, rollout: &Rollout, why: &str) -> Result<ExitCode> {
    let text = match args.format {
        FormatName::Text => page::nothing_rolls_text(&rollout.workload, why, style::of_stdout()),
        FormatName::Json => page::nothing_rolls_json(rollout, why),
    };
    output::print("the prediction", |out| out.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// What an earlier run measured.
fn measured(run: &str) -> Result<Measured> {
    let cannot = || format!("cannot take lags from {run}");
    let found = Recorded::find(run)?;
    let record = journal::read(found.folder()).with_context(cannot)?;
    let choice = Choice::of(&record, None, None).with_context(cannot)?;
    Ok(Measured::of(&record, &choice))
}
