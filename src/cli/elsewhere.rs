//! The flags of `lapse run` by which the probes are sent elsewhere: by a command, or by a Job of the cluster.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory};

use super::{Cli, RunArgs};
use crate::run::plan::{Activity, Endpoint, PlannedTarget};
use crate::run::prober::elsewhere::{ElsewherePlan, Place};
use crate::run::prober::order::{Order, OrderedFile};
use lapse_cluster::prober_job::JobPlan;

/// The image that is published with this version.
const IMAGE: &str = concat!("lapse:", env!("CARGO_PKG_VERSION"));
/// The headings of the flags that say what is sent.
const SENT: [&str; 3] = ["Target", "Request", "Connections"];
/// Further flags that the prober needs.
const FURTHER: [&str; 3] = ["rate", "wait_up", "no_precedence"];
/// The flags that name a file.
const FILES: [&str; 5] = ["data_lines", "url_lines", "cacert", "cert", "key"];

/// Where the probes are sent from.
#[derive(Debug, Args)]
pub(super) struct ElsewhereArgs {
    /// Send the probes from a Job beside the service; the command still runs here, and the Job is deleted at the end.
    #[arg(long, conflicts_with = "prober", help_heading = "Cluster (by itself with helm and kubectl)")]
    in_cluster: bool,
    /// The image of that Job, of this version of lapse [default: lapse:VERSION; e.g. registry.example.com/lapse:0.1.0].
    #[arg(
        long,
        value_name = "REF",
        requires = "in_cluster",
        help_heading = "Cluster (by itself with helm and kubectl)"
    )]
    in_cluster_image: Option<String>,
    /// The namespace of that Job [default: that of the rollout; e.g. probers].
    #[arg(
        long,
        value_name = "NAME",
        requires = "in_cluster",
        help_heading = "Cluster (by itself with helm and kubectl)"
    )]
    in_cluster_namespace: Option<String>,
    /// Send the probes from where this command starts `lapse prober`, over its stdin and stdout [e.g. 'ssh HOST lapse
    /// prober'].
    #[arg(long, value_name = "COMMAND", help_heading = "Target")]
    prober: Option<String>,
    /// The words that the arguments were read from.
    #[arg(skip)]
    pub(super) words: Vec<std::ffi::OsString>,
}

/// The prober elsewhere that the arguments ask for, if they do.
pub(super) fn of(args: &RunArgs, targets: &[PlannedTarget], activity: &Activity) -> Result<Option<ElsewherePlan>> {
    let (flag, place) = match (&args.elsewhere.prober, args.elsewhere.in_cluster) {
        (Some(command), _) => {
            let words = shlex::split(command).filter(|words| !words.is_empty());
            ("--prober", Place::Command(words.with_context(|| format!("--prober {command:?} is no command"))?))
        }
        (None, true) => {
            let plan = JobPlan {
                scope: args.cluster.place(activity),
                namespace: args.elsewhere.in_cluster_namespace.clone(),
                image: args.elsewhere.in_cluster_image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            };
            ("--in-cluster", Place::Job(plan))
        }
        (None, false) => return Ok(None),
    };
    for target in targets {
        match &target.endpoint {
            Endpoint::Url(_) => {}
            Endpoint::Cluster(..) => bail!(
                "{flag} takes targets that are URLs, and {} is a part of the cluster: write its URL, such as \
                 http://NAME.NAMESPACE.svc/",
                target.name
            ),
            Endpoint::Scenario => bail!("a scenario brings its own world on this machine: leave out {flag}"),
        }
    }
    ensure!(args.held.held.is_none(), "{flag} sends probes and holds no streams: leave out --held");
    ensure!(
        args.request.fresh_headers.is_empty(),
        "{flag} sends headers as they were when the run began: leave out --fresh-header"
    );
    Ok(Some(ElsewherePlan { place, order: order(&args.elsewhere.words)? }))
}

/// What the prober is to send: the flags that say so, with what the files that they name hold.
fn order(words: &[std::ffi::OsString]) -> Result<Order> {
    let lapse = Cli::command().mut_subcommand("run", |run| run.arg_required_else_help(false));
    let run = lapse.find_subcommand("run").context("`lapse run` is no subcommand")?.clone();
    let matches = lapse.try_get_matches_from(words)?;
    let typed = matches.subcommand_matches("run").context("`lapse run` is no subcommand")?;
    let mut order = Order { version: env!("CARGO_PKG_VERSION").to_owned(), ..Order::default() };
    for arg in run.get_arguments() {
        let id = arg.get_id().as_str();
        let is_sent = arg.get_help_heading().is_some_and(|heading| SENT.contains(&heading)) || FURTHER.contains(&id);
        if !is_sent || ["command", "prober"].contains(&id) || !is_typed(typed, id) {
            continue;
        }
        let Some(long) = arg.get_long() else {
            order.words.extend(values(typed, id)?);
            continue;
        };
        if !arg.get_action().takes_values() {
            order.words.push(format!("--{long}"));
            continue;
        }
        for value in values(typed, id)? {
            let (flag, file) = match value.strip_prefix('@').filter(|_| id == "data") {
                Some(file) => (format!("--{long}=@"), Some(file.to_owned())),
                None => (format!("--{long}="), FILES.contains(&id).then(|| value.clone())),
            };
            match file {
                None => order.words.push(format!("{flag}{value}")),
                Some(file) => {
                    let contents =
                        fs::read(&file).with_context(|| format!("cannot read {file}, which --{long} names"))?;
                    order.files.push(OrderedFile::new(flag, &contents));
                }
            }
        }
    }
    Ok(order)
}

fn is_typed(typed: &ArgMatches, id: &str) -> bool {
    typed.value_source(id) == Some(ValueSource::CommandLine)
}

fn values(typed: &ArgMatches, id: &str) -> Result<Vec<String>> {
    let values = typed.get_raw(id).into_iter().flatten();
    values
        .map(|value| value.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", value.display())))
        .collect()
}
