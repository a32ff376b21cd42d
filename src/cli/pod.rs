//! `lapse pod`: one pod of the lab as a process, for containers.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;

use super::lab::tell_all;
use super::value;
use crate::hammer::clock::Clock;
use crate::lab::process::{self, Exit};
use crate::lab::scenario::pod::{Honesty, OnSigterm, PodSpec, Readiness};
use crate::lab::span::Span;

/// What a shell says of a process that SIGTERM has ended. The process cannot let the signal end it: what runs as the first
/// process of a container is deaf to every signal that it does not handle.
const TERMINATED: u8 = 143;

/// What was typed after `lapse pod`, or what its container's environment says.
#[derive(Debug, Args)]
pub(super) struct PodArgs {
    /// Where it listens.
    #[arg(long, env = "POD_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    listen: std::net::SocketAddr,
    /// What it is called: it says so in the header `X-Pod` and in each answer.
    #[arg(long, env = "HOSTNAME", value_name = "NAME", default_value = "pod")]
    name: String,
    /// From its start until it listens.
    #[arg(long, env = "POD_BOOT", value_name = "TIME", default_value = "0s")]
    boot: Span,
    /// From there until it can serve; until then it answers 503 [e.g. 60m for one that does not in time].
    #[arg(long, env = "POD_INIT", value_name = "TIME", default_value = "0s")]
    init: Span,
    /// The time that an answer takes.
    #[arg(long, env = "POD_WORK", value_name = "TIME", default_value = "2ms")]
    work: Span,
    /// The share of the requests that is answered with 500.
    #[arg(long, env = "POD_ERRORS", value_name = "P%", default_value = "0%", value_parser = value::share)]
    errors: f64,
    /// What it says at /-/ready.
    #[arg(long, env = "POD_READINESS", value_name = "HOW", default_value = "honest")]
    readiness: ReadinessName,
    /// A file for when it ended, which Kubernetes shows as the container's message [e.g. /dev/termination-log].
    #[arg(long, env = "POD_TERMINATION_LOG", value_name = "FILE")]
    termination_log: Option<std::path::PathBuf>,
    /// What it does on SIGTERM.
    #[arg(long, env = "POD_ON_SIGTERM", value_name = "WHAT", default_value = "exit")]
    on_sigterm: OnSigtermName,
}

/// What a pod says about whether it is ready, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReadinessName {
    /// Ready means that it serves.
    Honest,
    /// Ready means that it listens.
    Lying,
}

/// What a process does on SIGTERM, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnSigtermName {
    /// It exits at once with code 143, and all its connections with it.
    Exit,
    /// It stops listening, closes idle connections, finishes what it has begun, and exits.
    Finish,
    /// It stops listening, asks each client to reconnect, and exits when all have gone.
    Drain,
    /// Nothing: it serves until it is killed.
    Ignore,
}

/// Serves until SIGTERM, or Ctrl-C, has had its effect.
pub(super) fn execute(args: &PodArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = runtime.context("cannot start the runtime")?.block_on(async {
        let (clock, (tell, told)) = (Clock::start(), unbounded_channel());
        let (mut asked, mut typed) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(tell_all(told));
        let ended = async {
            tokio::select! {
                _ = asked.recv() => {}
                _ = typed.recv() => {}
            }
        };
        let spec = spec(args);
        let exit = process::run((&args.name, &spec), args.listen, move || clock.now(), tell, ended).await;
        if let Some(file) = &args.termination_log {
            std::fs::write(file, format!("ended at {} ns", clock.anchor().unix_ns_at(clock.now())))?;
        }
        // Its last words are printed.
        tokio::task::yield_now().await;
        exit
    });
    match exit.with_context(|| format!("cannot listen at {}: choose another address with --listen", args.listen))? {
        Exit::Finished => Ok(ExitCode::SUCCESS),
        Exit::AtOnce => Ok(ExitCode::from(TERMINATED)),
    }
}

fn spec(args: &PodArgs) -> PodSpec {
    PodSpec {
        boot: args.boot,
        init: args.init,
        work: args.work,
        errors: args.errors,
        readiness: Readiness {
            probe: match args.readiness {
                ReadinessName::Honest => Honesty::Honest,
                ReadinessName::Lying => Honesty::Lying,
            },
            ..Readiness::default()
        },
        on_sigterm: match args.on_sigterm {
            OnSigtermName::Exit => OnSigterm::Exit,
            OnSigtermName::Finish => OnSigterm::Finish,
            OnSigtermName::Drain => OnSigterm::Drain,
            OnSigtermName::Ignore => OnSigterm::Ignore,
        },
        ..PodSpec::default()
    }
}
