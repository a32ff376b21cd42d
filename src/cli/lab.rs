//! `lapse lab`: serves a scenario's world for curl, a browser or another load generator.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel, unbounded_channel};

use super::plan_file::scenario;
use crate::run::signal::Signals;
use lapse_hammer::clock::Clock;
use lapse_lab::{ServeConfig, Trigger};
use lapse_record::event::Event;

pub(super) const EXAMPLE: &str = "\
Example: watch a rollout lose requests with a loop of curl, from the first request on
  lapse lab scenarios/wine-store.yaml --listen 127.0.0.1:8080 --start first-request";

/// The arguments of `lapse lab`.
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    /// The file of the scenario.
    scenario: String,
    /// The address to serve at [e.g. 0.0.0.0:8080].
    #[arg(short, long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
    /// What starts the rollout.
    #[arg(short, long, value_name = "WHEN", default_value = "at-once")]
    start: StartName,
    /// A file for the ledger of injected faults, as JSON lines [e.g. ledger.jsonl].
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// What starts the rollout, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StartName {
    /// Starts when the pods are ready.
    AtOnce,
    /// Starts with the first request.
    FirstRequest,
    /// Starts each act with a press of the Enter key.
    Key,
}

/// Serves the world until Ctrl-C, and prints its events as they happen.
pub(super) fn execute(args: &LabArgs) -> Result<ExitCode> {
    let scenario = scenario::read(&args.scenario)?;
    // Created first, so that a path that cannot be written is an error at the start.
    let file = args
        .ledger
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write the ledger {}", path.display())));
    let file = file.transpose()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let ledger = runtime.block_on(async {
        let mut signals = Signals::catch().context("cannot catch signals")?;
        let (clock, (tell, mut told)) = (Clock::start(), unbounded_channel());
        say(&format!("{}\nserving {} at http://{}/, Ctrl-C ends it", scenario.shows(), scenario.name(), args.listen))?;
        let trigger = match args.start {
            StartName::AtOnce => Trigger::AtOnce,
            StartName::FirstRequest => Trigger::FirstRequest,
            StartName::Key => {
                say("press Enter to start each act")?;
                Trigger::Asked(enter())
            }
        };
        let told = tokio::spawn(async move { tell_all(&mut told).await });
        let ended = async {
            signals.next().await;
        };
        let config = ServeConfig { scenario, listen: args.listen, trigger };
        let ledger = lapse_lab::serve(config, move || clock.now(), tell, ended).await?;
        told.abort();
        anyhow::Ok(ledger)
    })?;
    if let Some(file) = file {
        let mut to = BufWriter::new(file);
        ledger.write(&mut to).and_then(|()| to.flush()).context("cannot write the ledger")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line for each event.
pub(super) async fn tell_all(told: &mut UnboundedReceiver<Event>) {
    while let Some(event) = told.recv().await {
        let seconds = event.at.as_nanos() / 1_000_000;
        let line = format!("{:>4}.{:03} s  {:17} {}", seconds / 1000, seconds % 1000, event.kind, event.text);
        if say(&line).is_err() {
            // Stdout is closed; the world goes on.
            return;
        }
    }
}

/// Prints a line at once.
pub(super) fn say(line: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A channel with a message for each line typed.
fn enter() -> Receiver<()> {
    let (asks, asked) = channel(1);
    // A thread, because a read from a terminal blocks.
    thread::spawn(move || {
        for _line in stdin().lock().lines().map_while(std::io::Result::ok) {
            if asks.blocking_send(()).is_err() {
                return;
            }
        }
    });
    asked
}
