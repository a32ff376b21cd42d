//! The command line: its flags and their help texts.

mod budget;
mod calibrate;
mod causes;
mod cluster;
mod compare;
mod connection;
mod elsewhere;
mod explain;
mod export;
mod github;
mod grpc;
mod held;
mod history;
mod init;
mod lab;
mod lines;
mod lint;
mod manifests;
mod metrics;
mod output;
mod plan;
mod plan_check;
mod plan_file;
mod pod;
mod predict;
mod prober;
mod replay;
mod report;
mod report_files;
mod reproduce;
mod request;
mod run;
mod serve;
mod shell;
mod style;
mod try_cures;
mod value;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use self::budget::{BudgetArgs, ProfileName};
use self::cluster::ClusterArgs;
use self::connection::ConnectionArgs;
use self::elsewhere::ElsewhereArgs;
use self::held::HeldArgs;
use self::lint::LintArgs;
use self::metrics::MetricsArgs;
use self::plan_file::PlanArgs;
use self::pod::PodArgs;
use self::report_files::ReportTo;
use self::request::RequestArgs;
use self::value::NamedTarget;
use crate::run::plan::FailFast;
use crate::trial_folders;
use lapse_measure::schedule::Rate;
use lapse_report::format::Format;

/// Measures downtime: sends requests at a constant rate while a command runs, and reports each outage with bounds.
#[derive(Debug, Parser)]
#[command(name = "lapse", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hammer a service, alongside a command if one is given, and report the downtime.
    ///
    /// Exit codes: 0 every budget held, 1 a budget was exceeded, 2 wrong usage, 3 inconclusive,
    /// 4 the command failed, 130 interrupted.
    #[command(after_help = RUN_EXAMPLE, arg_required_else_help = true)]
    Run(Box<RunArgs>),
    /// Print a report of a recorded run, in any format.
    ///
    /// With a budget the run is judged again by that instead of its own, and the exit code is the verdict's, as of
    /// `lapse run`.
    #[command(after_help = REPORT_EXAMPLE, arg_required_else_help = true)]
    Report(Box<ReportArgs>),
    /// Compare recorded runs with the first of them: what got better or worse, and what their probes could not show.
    ///
    /// Exit codes: 0 nothing got worse beyond what is tolerated, 1 something did, 2 wrong usage, 3 inconclusive.
    #[command(after_help = compare::EXAMPLE, arg_required_else_help = true)]
    Compare(compare::CompareArgs),
    /// List recorded runs in the order of time: a line each, percentiles, trends, and the budgets that would have held.
    ///
    /// Exit codes: 0 the history was printed, 2 wrong usage, 3 the newest run is not whole, and the format has it alone.
    #[command(after_help = history::EXAMPLE)]
    History(history::HistoryArgs),
    /// Say why a recorded run lost requests: the likely causes with their evidence, and the cure of each.
    #[command(after_help = explain::EXAMPLE, arg_required_else_help = true)]
    Explain(explain::ExplainArgs),
    /// Pack a recorded run into one file that can be handed on, without what may be secret.
    ///
    /// The file is a compressed tar archive with the journal and its reports. `lapse report`, `compare`,
    /// `explain`, `replay` and `export` take it in the place of a folder, or the URL of one.
    #[command(after_help = export::EXAMPLE, arg_required_else_help = true)]
    Export(export::ExportArgs),
    /// List the causes of downtime that lapse knows, or describe one.
    #[command(after_help = causes::EXAMPLE)]
    Causes(causes::CausesArgs),
    /// Play a scenario's rollout again with each cure that fits, and say which is the cheapest that loses nothing.
    ///
    /// Exit codes: 0 a cure lost nothing, or there is nothing to cure; 1 none did; 2 wrong usage; 130 interrupted.
    #[command(after_help = try_cures::EXAMPLE, arg_required_else_help = true)]
    Try(try_cures::TryArgs),
    /// Write a scenario that loses requests as a recorded run did, play it, and hold it against the run.
    ///
    /// Exit codes: 0 every figure agrees or is near, 1 one differs, or with --try no cure lost nothing, 2 wrong usage,
    /// 3 one differs and the plays were held up, 130 interrupted. With --no-run the scenario is written and not played, and the exit code is 0.
    #[command(after_help = reproduce::EXAMPLE, arg_required_else_help = true)]
    Reproduce(reproduce::ReproduceArgs),
    /// Say before a rollout what of its manifests or its chart will lose requests, how many, why, and what cures that.
    ///
    /// Exit codes: 0 nothing was lost, 1 requests were, 2 wrong usage, 3 nothing was lost and the plays were held up,
    /// 130 interrupted.
    #[command(after_help = predict::EXAMPLE, arg_required_else_help = true)]
    Predict(predict::PredictArgs),
    /// Serve a scenario's world without probing it, for curl, a browser or another load generator.
    #[command(after_help = lab::EXAMPLE, arg_required_else_help = true)]
    Lab(lab::LabArgs),
    /// Play a recorded run back as a server, which does to clients what the run's probes saw.
    ///
    /// Exit codes with --expect: 0 every expectation held, 1 one did not, 2 wrong usage, 3 inconclusive, 130 interrupted
    /// before the end; without it 0 or 2.
    #[command(after_help = replay::EXAMPLE, arg_required_else_help = true)]
    Replay(Box<replay::ReplayArgs>),
    /// Serve measurements that others ask for over HTTP: a gate for pipelines, Argo Rollouts and Flagger.
    ///
    /// Exit codes: 0 a signal ended it, and the measurements that went on were ended and kept; 2 wrong usage.
    #[command(after_help = serve::EXAMPLE, arg_required_else_help = true)]
    Serve(Box<serve::ServeArgs>),
    /// Check how precisely this machine can measure: inject outages on loopback and compare them with what is measured.
    ///
    /// Exit codes: 0 every outage lies within its measured bounds, 1 one does not, 2 wrong usage, 3 no outage was seen,
    /// 130 interrupted.
    #[command(after_help = calibrate::EXAMPLE)]
    Calibrate(calibrate::CalibrateArgs),
    /// Say what of rendered Kubernetes manifests will lose requests in a rollout, and how to mend it.
    ///
    /// Exit codes: 0 nothing that is denied was found, 1 something was, 2 wrong usage, 3 something could not be read
    /// and nothing denied was found in the rest.
    #[command(after_help = lint::EXAMPLE, arg_required_else_help = true)]
    Lint(LintArgs),
    /// Write a plan, lapse.yaml, for a chart, manifests, a release of the cluster or a URL.
    #[command(after_help = init::EXAMPLE, arg_required_else_help = true)]
    Init(init::InitArgs),
    /// Check a plan, lapse.yaml, and print the flags that it amounts to; or print the schema of plans.
    #[command(subcommand, after_help = plan_check::EXAMPLE, arg_required_else_help = true)]
    Plan(plan_check::PlanCommand),
    /// Print the completions of the command line for a shell.
    #[command(after_help = shell::COMPLETIONS_EXAMPLE, arg_required_else_help = true)]
    Completions(shell::CompletionsArgs),
    /// Print a manual page, or write all of them to a folder.
    #[command(after_help = shell::MAN_EXAMPLE)]
    Man(shell::ManArgs),
    /// Send the probes of a run whose home is another machine: `lapse run --prober` and `--in-cluster` start this.
    ///
    /// It takes its order on stdin, writes what it sees to stdout, and ends once stdin does. Exit codes: 0 the run was
    /// over or refused, 2 it was lost.
    #[command(after_help = prober::EXAMPLE)]
    Prober,
    /// Run one pod of the lab as a process, for a container: see scenarios/charts/wine-store.
    ///
    /// The pod answers `/-/ready` and `/-/live` to probes and any other path as its options say, and prints a line for
    /// each change of its state. Exit codes: 0 open requests were finished, 143 SIGTERM, 130 Ctrl-C, 2 the port could
    /// not be opened.
    #[command(after_help = pod::EXAMPLE, hide = true)]
    Pod(Box<PodArgs>),
}

const RUN_EXAMPLE: &str = "\
Example: roll out a chart, and fail the job if any lane was out for more than 300 ms
  lapse run https://shop.example.com/health --max-outage 300ms -- helm upgrade shop ./chart --wait";

const REPORT_EXAMPLE: &str = "\
Examples: the timeline of a run in cells of 10 ms, for a spreadsheet; the verdict that another budget would have given
  lapse report reports/2026-11-22T20-15-03-shop --format csv --bin 10ms
  lapse report reports/2026-11-22T20-15-03-shop --max-outage 1s";

/// The arguments of `lapse run`.
#[derive(Debug, Args)]
struct RunArgs {
    /// The URL to hammer (http, https; grpc, grpcs for a health check or a method), or the file of a scenario.
    #[arg(value_name = "URL|SCENARIO", help_heading = "Target")]
    what: Option<String>,
    /// One of several named targets; in a cluster also svc/NAME:PORT and pods [repeatable; e.g.
    /// ingress=<https://shop.example.com/>].
    #[arg(
        help = "One of several named targets; in a cluster also svc/NAME:PORT and pods [repeatable; e.g. ingress=https://shop.example.com/]",
        long = "target",
        value_name = "NAME=URL",
        help_heading = "Target",
        conflicts_with = "what"
    )]
    targets: Vec<NamedTarget>,
    /// The command to run alongside; everything after `--` belongs to it.
    #[arg(last = true, value_name = "COMMAND", help_heading = "Target")]
    command: Vec<OsString>,

    /// Probes a second of each target, over all of its lanes [default: 1000/s; e.g. 200/s].
    #[arg(long, value_name = "N/s", value_parser = value::rate, help_heading = "Timing")]
    rate: Option<Rate>,
    /// How long to measure without a command [e.g. 30s].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, help_heading = "Timing")]
    duration: Option<Duration>,
    /// How long to wait at most, before the run, until every target has been up for 1 s; probes until then count in no
    /// figure [e.g. 60s].
    #[arg(long, value_name = "TIME", value_parser = value::duration, help_heading = "Timing")]
    wait_up: Option<Duration>,
    /// How long to measure before the command starts, as a healthy baseline [default: 5s; e.g. 10s].
    #[arg(long, value_name = "TIME", value_parser = value::duration, help_heading = "Timing")]
    baseline: Option<Duration>,
    /// How long every lane must have been up after the command before the run ends [default: 5s; e.g. 20s].
    #[arg(long, value_name = "TIME", value_parser = value::duration, help_heading = "Timing")]
    settle: Option<Duration>,
    /// The longest time to wait for --settle, and for a rollout to complete [e.g. 5m].
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = value::duration, help_heading = "Timing")]
    settle_limit: Duration,
    /// End the run at the first breach of a budget that nothing to come can undo: the command is told to stop, or left
    /// alone, and then the run ends with it [e.g. --fail-fast=leave].
    #[arg(
        long,
        value_name = "COMMAND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "stop",
        help_heading = "Timing"
    )]
    fail_fast: Option<FailFast>,
    /// The number of times to make the run, one after the other, each in a folder of its own; the command is told which by
    /// `LAPSE_TRIAL` [e.g. 5].
    #[arg(long, value_name = "N", value_parser = value::count(1, trial_folders::MOST), conflicts_with = "live", help_heading = "Timing")]
    trials: Option<u16>,
    /// Send probes with normal scheduling, instead of with as much precedence over other programs as the kernel grants.
    #[arg(long, help_heading = "Timing")]
    no_precedence: bool,

    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    held: HeldArgs,

    #[command(flatten)]
    plan: PlanArgs,

    #[command(flatten)]
    judge: BudgetArgs,

    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    elsewhere: ElsewhereArgs,

    /// The folder to write to; it must be new or empty [default: reports/TIME-NAME; e.g. out].
    #[arg(short, long, value_name = "FOLDER", help_heading = "Output")]
    out: Option<PathBuf>,
    /// The name of the run [default: the host's or the scenario's name; e.g. shop].
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    name: Option<String>,
    /// Serve the report as a live page during the run, at ADDR:PORT or a free port of 127.0.0.1 [e.g.
    /// --live=127.0.0.1:8090].
    #[arg(
        long,
        value_name = "ADDR:PORT",
        value_parser = value::address,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1:0",
        help_heading = "Output"
    )]
    live: Option<std::net::SocketAddr>,
    #[command(flatten)]
    metrics: MetricsArgs,
    /// A further report to write at the end, in a format of `lapse report --format` [repeatable; e.g. junit=lapse.xml].
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = value::report::<Format>, help_heading = "Output")]
    reports: Vec<ReportTo<Format>>,
    /// Print no progress during the run.
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// The arguments of `lapse report`.
#[derive(Debug, Args)]
struct ReportArgs {
    /// The folder of a run, a file that `lapse export` wrote, or the URL of one; the run may have been cut short or still
    /// be going on. Also the folder of several trials.
    #[arg(value_name = "RUN")]
    run: String,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = value::format::<Format>())]
    format: Format,
    /// The time that a row of the timeline covers, in CSV and Parquet [e.g. 10ms].
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = value::some_duration)]
    bin: Duration,
    /// Defaults for a kind of service: `carrier` has a gate of 50 ms [e.g. carrier].
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    #[command(flatten)]
    judge: BudgetArgs,
}

/// The format of what is printed for people or for programs, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TextOrJson {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Cli {
    /// Reads a command line, and the plan that it is to be completed by. Wrong usage ends the process, as clap has it.
    pub(crate) fn read(words: &[OsString]) -> anyhow::Result<Self> {
        let mut lapse = Self::command();
        if words.len() == 2 && Path::new(plan_file::FILE).is_file() {
            lapse = lapse.mut_subcommand("run", |run| run.arg_required_else_help(false));
        }
        let matches = lapse.get_matches_from(words);
        let mut cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let Command::Run(args) = &mut cli.command else { return Ok(cli) };
        args.elsewhere.words = words.to_vec();
        let Some((words, origin)) = plan_file::complete(words, args)? else { return Ok(cli) };
        let args = plan_check::parse(words, origin.clone()).map_err(|error| origin.place(error))?;
        Ok(Self { command: Command::Run(args) })
    }

    /// Executes the subcommand. An error means that nothing was started: exit code 2.
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(args) => run::execute(&args),
            Command::Init(args) => init::execute(&args),
            Command::Plan(command) => plan_check::execute(&command),
            Command::Report(args) => report::execute(&args),
            Command::Compare(args) => compare::execute(&args),
            Command::History(args) => history::execute(&args),
            Command::Explain(args) => explain::execute(&args),
            Command::Export(args) => export::execute(&args),
            Command::Causes(args) => causes::execute(&args),
            Command::Try(args) => try_cures::execute(&args),
            Command::Reproduce(args) => reproduce::execute(&args),
            Command::Predict(args) => predict::execute(&args),
            Command::Lab(args) => lab::execute(&args),
            Command::Replay(args) => replay::execute(&args),
            Command::Serve(args) => serve::execute(&args),
            Command::Calibrate(args) => calibrate::execute(&args),
            Command::Lint(args) => lint::execute(&args),
            Command::Completions(args) => shell::completions(&args),
            Command::Man(args) => shell::man(&args),
            Command::Prober => prober::execute(),
            Command::Pod(args) => pod::execute(&args),
        }
    }
}
