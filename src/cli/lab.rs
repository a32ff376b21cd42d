//! `lapse lab`: a scenario's world on its own, for curl, a browser or another load generator.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write, stdin, stdout};
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel, unbounded_channel};

use super::plan::scenario;
use super::{LabArgs, StartName};
use crate::run::signal::Signals;
use lapse_hammer::clock::Clock;
use lapse_lab::Trigger;
use lapse_record::event::Event;

/// Serves the world until Ctrl-C, and says what happens in it as it happens.
pub(super) fn execute(args: &LabArgs) -> Result<ExitCode> {
    let scenario = scenario(&args.scenario)?;
    // Made first: it would be a pity to find out at the end that it cannot be.
    let ledger = args
        .ledger
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write the ledger {}", path.display())));
    let ledger = ledger.transpose()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let inflicted = runtime.block_on(async {
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
        let ledger = lapse_lab::serve((scenario, args.listen), move || clock.now(), tell, trigger, ended).await?;
        told.abort();
        anyhow::Ok(ledger)
    })?;
    if let Some(file) = ledger {
        let mut to = BufWriter::new(file);
        inflicted.write(&mut to).and_then(|()| to.flush()).context("cannot write the ledger")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each event, as it comes.
pub(super) async fn tell_all(told: &mut UnboundedReceiver<Event>) {
    while let Some(event) = told.recv().await {
        let seconds = event.at.as_nanos() / 1_000_000;
        let line = format!("{:>4}.{:03} s  {:17} {}", seconds / 1000, seconds % 1000, event.kind, event.text);
        if say(&line).is_err() {
            // Nobody reads any more; the world goes on.
            return;
        }
    }
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A message for each line typed.
fn enter() -> Receiver<()> {
    let (asks, asked) = channel(1);
    // A thread of its own: nothing can wait for a terminal without holding up a thread.
    thread::spawn(move || {
        for _line in stdin().lock().lines().map_while(std::io::Result::ok) {
            if asks.blocking_send(()).is_err() {
                return;
            }
        }
    });
    asked
}
