//! `lapse calibrate`: checks how precisely this machine can measure.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use hyper::Uri;

use super::run::save;
use super::value;
use crate::calibrate::{Calibration, table};
use crate::progress::{Progress, Style};
use crate::run::plan::{Activity, Endpoint, Folder, PhaseDurations, Plan, PlannedTarget, ProbeLimits};
use lapse_hammer::clock::Clock;
use lapse_hammer::target::{Expect, Http, Request};
use lapse_measure::disruption::GATE;
use lapse_measure::lane::Policy;
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Anchor, Human};
use lapse_measure::verdict::Rules;

pub(super) const EXAMPLE: &str = "\
Example: the same outages again, looked for twice as often
  lapse calibrate --rate 2000/s --seed 7";

/// The arguments of `lapse calibrate`.
#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// Probes a second, over both lanes.
    #[arg(long, value_name = "N/s", default_value = "1000/s", value_parser = value::rate)]
    rate: Rate,
    /// The number of outages to inject; the default takes about a minute.
    #[arg(long, value_name = "N", default_value = "130", value_parser = value::count(1, u16::MAX))]
    outages: u16,
    /// The number of losses to inject after the outages: of 10 % to 90 % of the requests, for 0.1 to 2 s each; the default
    /// takes about half a minute.
    #[arg(long, value_name = "N", default_value = "20", value_parser = value::count(0, u16::MAX))]
    losses: u16,
    /// The longest outage; the shortest is one millisecond [e.g. 200ms].
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = value::some_duration)]
    longest: Duration,
    /// The seed of the outages; the same seed gives the same ones [default: another each time; e.g. 7].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The folder for the run's record; it must be new or empty [default: reports/TIME-calibration].
    #[arg(short, long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print no progress during the run.
    #[arg(short, long)]
    quiet: bool,
}

/// The timeout of a probe; a longer one keeps more probes in flight during an outage.
const TIMEOUT: Duration = Duration::from_millis(500);
/// The exit code if no outage was seen, so that nothing is proved.
const INCONCLUSIVE: u8 = 3;

/// Runs a calibration, prints its table, and returns the exit code.
pub(super) fn execute(args: &CalibrateArgs) -> Result<ExitCode> {
    let now = Clock::start().anchor();
    // Any seed will do, as long as it is printed.
    let seed = args.seed.unwrap_or(now.date.as_nanos() / 1_000_000 % 1_000_000);
    let (outages, losses) = (usize::from(args.outages), usize::from(args.losses));
    let calibration = Calibration { seed, outages, losses, longest: args.longest };
    ensure!(
        args.longest >= Duration::from_millis(1),
        "--longest {:?} is less than the shortest outage, 1 ms",
        args.longest
    );
    let mut progress = Progress::new(if args.quiet { Style::Quiet } else { Style::fitting() });
    let to = folder(args, now)?;
    let folder = to.path().to_owned();
    let plan = |uri| plan(to, args.rate, calibration.length(), uri);
    let length = Human(calibration.length());
    progress.say(&format!("{outages} outages and {losses} losses (seed {seed}) in about {length}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (record, judgement) =
        runtime.context("cannot start the runtime")?.block_on(calibration.run(plan, &mut progress))?;
    for saved in save(&record, &folder) {
        saved?;
    }
    let mut out = stdout().lock();
    table::write(&calibration, &record, &judgement, &mut out)
        .and_then(|()| out.flush())
        .context("cannot print the result")?;
    let code = if record.interrupted {
        record.summary.verdict.conclusion.exit_code()
    } else if !judgement.objections().is_empty() {
        1
    } else if judgement.has_seen() {
        0
    } else {
        INCONCLUSIVE
    };
    Ok(ExitCode::from(code))
}

fn folder(args: &CalibrateArgs, now: Anchor) -> Result<Folder> {
    Ok(match &args.out {
        Some(path) => Folder::at(path)?,
        None => Folder::named(Path::new("reports"), now, "calibration")?,
    })
}

/// A run against `uri` for as long as the calibration takes.
fn plan(folder: Folder, rate: Rate, length: Duration, uri: Uri) -> Plan {
    let target = PlannedTarget {
        name: "calibration".to_owned(),
        endpoint: Endpoint::Url(uri),
        http: Http::Http1,
        connect_to: Vec::new(),
        resolve: Vec::new(),
        tls: None,
        request: Request::default(),
        expect: Expect::default(),
        backend: None,
        version: None,
    };
    Plan {
        name: "calibration".to_owned(),
        folder,
        rate,
        targets: vec![target],
        policies: vec![Policy::Reused, Policy::New],
        limits: ProbeLimits {
            timeout: TIMEOUT,
            connect_timeout: TIMEOUT,
            slow: TIMEOUT,
            connections: 8,
            resolve_once: false,
            precedence: true,
        },
        activity: Activity::Nothing(length),
        follow: None,
        durations: PhaseDurations { baseline: Duration::ZERO, settle: Duration::ZERO, settle_limit: Duration::ZERO },
        wait_up: None,
        fail_fast: None,
        budgets: Vec::new(),
        rules: Rules::default(),
        gate: GATE,
        held: None,
        fresh: Default::default(),
        elsewhere: None,
    }
}
