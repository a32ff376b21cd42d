//! `lapse serve`: measurements that others ask for over HTTP.

mod order;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::order::{Limits, Plans};
use super::lab::say;
use super::run::save;
use super::value;
use crate::serve::allow::Pattern;
use crate::serve::token::Token;
use crate::serve::{Config, ServeListener};
use lapse_hammer::engine::raise_descriptors;
use lapse_measure::schedule::Rate;

pub(super) const EXAMPLE: &str = "\
Example: a gate for a rollout, by a plan of its own; docs/SERVE.md has the manifests for Argo Rollouts and Flagger
  lapse serve --plan shop=deploy/lapse.yaml
  curl -d '{\"plan\": \"shop\", \"measure\": {\"duration\": \"60s\"}}' 'http://127.0.0.1:8080/v1/measurements?wait=2m'";

/// The variable of the environment that has the token.
const TOKEN: &str = "LAPSE_SERVE_TOKEN";

/// The arguments of `lapse serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address to serve at, or a port of 127.0.0.1; port 0 picks a free one. Any other than loopback needs a token
    /// [e.g. 0.0.0.0:8080].
    #[arg(short, long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = value::address)]
    listen: SocketAddr,
    /// A plan that callers may name [repeatable; e.g. shop=deploy/lapse.yaml].
    #[arg(long = "plan", value_name = "NAME=FILE")]
    plans: Vec<NamedPlan>,
    /// An address that callers may have measured without a plan: a name, *.NAME, an address, a network or *, and a port if
    /// it is to be that alone [repeatable; e.g. *.shop.svc:8080 or 10.0.0.0/8].
    #[arg(long, value_name = "HOST[:PORT]")]
    allow: Vec<Pattern>,
    /// The file of the token that callers have to show [default: the variable `LAPSE_SERVE_TOKEN`; e.g. token.txt].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The folder below which each measurement gets a folder of its own, as of a run [e.g. out].
    #[arg(short, long, value_name = "FOLDER", default_value = "reports")]
    out: PathBuf,
    /// The most probes a second of one measurement, over all of its targets [e.g. 200/s].
    #[arg(long, value_name = "N/s", default_value = "1000/s", value_parser = value::rate)]
    max_rate: Rate,
    /// The most measurements at once; another one is refused [e.g. 1].
    #[arg(long, value_name = "N", default_value = "4", value_parser = value::count(1, 64))]
    max_running: u16,
    /// The longest time that a measurement waits to be stopped, and the longest of each of its times [e.g. 10m].
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = value::some_duration)]
    max_duration: Duration,
    /// The most measurements that are over and can still be asked for; their folders stay [e.g. 10].
    #[arg(long, value_name = "N", default_value = "100", value_parser = value::count(1, 10_000))]
    keep: u16,
}

/// A plan with the name by which callers ask for it, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedPlan {
    name: String,
    file: PathBuf,
}

impl FromStr for NamedPlan {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('=').filter(|(name, file)| !name.is_empty() && !file.is_empty());
        let (name, file) = parts.ok_or("write it as NAME=FILE, such as shop=deploy/lapse.yaml")?;
        Ok(Self { name: name.to_owned(), file: file.into() })
    }
}

/// Serves until a signal, and prints where, and a line for each measurement that begins and ends.
pub(super) fn execute(args: &ServeArgs) -> Result<ExitCode> {
    ensure!(
        !(args.plans.is_empty() && args.allow.is_empty()),
        "nothing could be measured: give --plan NAME=FILE, or with --allow HOST the addresses that callers may name"
    );
    let limits = Limits { rate: args.max_rate, duration: args.max_duration };
    let mut plans = Plans::new(args.allow.clone(), limits, args.out.clone())?;
    for NamedPlan { name, file } in &args.plans {
        plans.add(name, file)?;
    }
    let token = token(args.token_file.as_deref())?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot write to {}: choose another folder with --out", args.out.display()))?;
    let listener = ServeListener::open(args.listen, token)?;
    raise_descriptors();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let named = plans.described();
    let config = Config {
        planner: Box::new(move |body| plans.plan(body)),
        save: |record, folder| save(record, folder).into_iter().filter_map(Result::err).collect(),
        // Where stdout is closed, the server goes on.
        say: |line| drop(say(line)),
        most_running: args.max_running,
        most_kept: args.keep,
    };
    let ready = |address| {
        for line in &named {
            drop(say(line));
        }
        drop(say(&format!("listening at http://{address}/, Ctrl-C ends it")));
    };
    runtime.block_on(listener.serve(config, ready))?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// The token of the file, or else of the environment; `None` if there is neither.
fn token(file: Option<&Path>) -> Result<Option<Token>> {
    let (text, from) = match file {
        Some(file) => {
            let text = fs::read_to_string(file);
            let text = text.with_context(|| format!("cannot read the token in {}: write one", file.display()))?;
            (text, file.display().to_string())
        }
        None => match std::env::var(TOKEN) {
            Ok(text) => (text, format!("the variable {TOKEN}")),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read the variable {TOKEN}")),
        },
    };
    Token::parse(&text).map(Some).with_context(|| format!("what {from} has is no token"))
}
