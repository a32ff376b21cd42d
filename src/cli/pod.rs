//! `lapse pod`: one pod of the lab as a process of its own, for containers.

use std::convert::Infallible;
use std::future::pending;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::lab::tell_all;
use super::value;
use lapse_hammer::clock::Clock;
use lapse_lab::duration_range::Span;
use lapse_lab::process::{self, Exit};
use lapse_lab::scenario::pod::{Afterwards, Honesty, LongRequests, OnSigterm, PodSpec, Readiness, WarmUp};
use lapse_record::event::{Event, Source};

pub(super) const EXAMPLE: &str = "\
Example: a pod that takes a second to start, and asks its clients to reconnect before it exits
  lapse pod --listen 127.0.0.1:8080 --boot 1s --on-sigterm drain";

/// What was typed after `lapse pod`, or stands in its container's environment.
#[derive(Debug, Args)]
pub(super) struct PodArgs {
    /// Where it listens.
    #[arg(short, long, env = "POD_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    listen: std::net::SocketAddr,
    /// What it is called: it says so in each answer, and in the header `X-Pod`.
    #[arg(long, env = "HOSTNAME", value_name = "NAME", default_value = "pod", value_parser = value::header_text)]
    name: String,
    /// Which release it is: its header `Server` says `lapse-pod/RELEASE`.
    #[arg(
        long,
        env = "POD_RELEASE",
        value_name = "RELEASE",
        default_value = env!("CARGO_PKG_VERSION"),
        value_parser = value::header_text
    )]
    release: String,

    /// From its start until it listens [e.g. 300ms..500ms, drawn anew by each process].
    #[arg(long, env = "POD_BOOT", value_name = "TIME", default_value = "0s", value_parser = value::start)]
    boot: Span,
    /// From there until it can serve; until then it answers 503 [e.g. 2s, or never].
    #[arg(long, env = "POD_INIT", value_name = "TIME", default_value = "0s", value_parser = value::start)]
    init: Span,
    /// What `/-/ready` answers with 200 for.
    #[arg(long, env = "POD_READINESS", value_name = "HOW", default_value = "honest")]
    readiness: ReadinessName,

    /// The time that an answer takes [e.g. 10ms..20ms, drawn anew for each].
    #[arg(long, env = "POD_WORK", value_name = "TIME", default_value = "2ms")]
    work: Span,
    /// How long its answers are slower after its start, the longer the less so [e.g. 5s].
    #[arg(long, env = "POD_WARM_UP", value_name = "TIME", default_value = "0s")]
    warm_up: Span,
    /// By how much they are slower at first.
    #[arg(long, env = "POD_WARM_UP_ADDS", value_name = "TIME", default_value = "500ms")]
    warm_up_adds: Span,
    /// The share of the requests that takes long [e.g. 5%].
    #[arg(long, env = "POD_LONG_SHARE", value_name = "P%", default_value = "0%", value_parser = value::share)]
    long_share: f64,
    /// How long these take.
    #[arg(long, env = "POD_LONG_WORK", value_name = "TIME", default_value = "1s")]
    long_work: Span,
    /// The share of the requests that is answered with 500 [e.g. 50%].
    #[arg(long, env = "POD_ERRORS", value_name = "P%", default_value = "0%", value_parser = value::share)]
    errors: f64,
    /// How many requests it works on at once; more wait [default: no limit; e.g. 8].
    #[arg(long, env = "POD_CAPACITY", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    capacity: Option<u32>,

    /// A file for when it ended, which Kubernetes shows as the container's message [e.g. /dev/termination-log].
    #[arg(long, env = "POD_TERMINATION_LOG", value_name = "FILE")]
    termination_log: Option<std::path::PathBuf>,
    /// What it does on SIGTERM.
    #[arg(long, env = "POD_ON_SIGTERM", value_name = "WHAT", default_value = "exit")]
    on_sigterm: OnSigtermName,
}

/// What a pod means by ready, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReadinessName {
    /// That it serves.
    Honest,
    /// That it listens.
    Lying,
}

/// What a pod does on SIGTERM, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnSigtermName {
    /// It exits at once, and all its connections with it.
    Exit,
    /// It stops listening, closes idle connections, finishes what it has begun, and exits.
    Finish,
    /// It stops listening, asks each client to reconnect, and exits when all have gone.
    Drain,
    /// It hears the signal and serves on until it is killed.
    Ignore,
    /// No handler, as a program that does nothing about signals: the kernel ends it, or, as the first process of a container,
    /// never tells it.
    Default,
}

/// What a shell says of a process that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// What a shell says of a process that SIGTERM has ended. No signal can do it here: the first process of a container is deaf
/// to those that it does not handle.
const TERMINATED: u8 = 143;

/// Serves until SIGTERM has had its effect, or until Ctrl-C.
pub(super) fn execute(args: &PodArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(args)).map(ExitCode::from)
}

async fn serve(args: &PodArgs) -> Result<u8> {
    let (clock, (tell, mut told)) = (Clock::start(), unbounded_channel());
    let mut terminate = caught(SignalKind::terminate(), args.on_sigterm)?;
    let mut interrupt = caught(SignalKind::interrupt(), args.on_sigterm)?;
    let spec = spec(args);
    let who = (args.name.as_str(), args.release.as_str(), &spec);
    let code = tokio::select! {
        exit = process::run(who, args.listen, move || clock.now(), tell.clone(), next(&mut terminate)) => {
            code(exit.with_context(|| format!("cannot listen at {}: choose another address with --listen", args.listen))?)
        }
        () = next(&mut interrupt) => INTERRUPTED,
        never = print(&mut told) => match never {},
    };
    let tell = |kind: &str, text: String| drop(tell.send(Event::new(clock.now(), Source::Lab, kind, text)));
    // Its exit code says how it ended, whether or not that could be written down.
    if let Some(file) = &args.termination_log
        && let Err(error) = std::fs::write(file, format!("ended at {} ns", clock.anchor().unix_ns_at(clock.now())))
    {
        tell("trouble", format!("cannot write to {}: {error}", file.display()));
    }
    tell("exited", format!("with code {code}"));
    // Its last words may still be on their way.
    told.close();
    tell_all(&mut told).await;
    Ok(code)
}

const fn code(exit: Exit) -> u8 {
    match exit {
        Exit::Finished => 0,
        Exit::AtOnce => TERMINATED,
    }
}

/// A handler for a signal, unless it is to have none.
fn caught(kind: SignalKind, on_sigterm: OnSigtermName) -> Result<Option<Signal>> {
    let handled = (on_sigterm != OnSigtermName::Default).then(|| signal(kind));
    handled.transpose().context("cannot catch signals")
}

async fn next(caught: &mut Option<Signal>) {
    match caught {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// Prints for as long as somebody reads; the pod serves on when nobody does.
async fn print(told: &mut UnboundedReceiver<Event>) -> Infallible {
    tell_all(told).await;
    pending().await
}

fn spec(args: &PodArgs) -> PodSpec {
    PodSpec {
        // The cluster's part.
        schedule: Span::ZERO,
        liveness: None,
        pre_stop: Span::ZERO,
        grace: Span::ZERO,
        teardown: Span::ZERO,
        afterwards: Afterwards::Refuses,
        // The process's own.
        boot: args.boot,
        init: args.init,
        work: args.work,
        warm_up: Some(WarmUp { lasts: args.warm_up, adds: args.warm_up_adds }),
        long_requests: Some(LongRequests { share: args.long_share, work: args.long_work }),
        errors: args.errors,
        capacity: args.capacity,
        readiness: Readiness { probe: honesty(args.readiness), ..Readiness::default() },
        on_sigterm: on_sigterm(args.on_sigterm),
    }
}

const fn honesty(typed: ReadinessName) -> Honesty {
    match typed {
        ReadinessName::Honest => Honesty::Honest,
        ReadinessName::Lying => Honesty::Lying,
    }
}

const fn on_sigterm(typed: OnSigtermName) -> OnSigterm {
    match typed {
        OnSigtermName::Exit => OnSigterm::Exit,
        OnSigtermName::Finish => OnSigterm::Finish,
        OnSigtermName::Drain => OnSigterm::Drain,
        // Without a handler it never comes to hear of the signal.
        OnSigtermName::Ignore | OnSigtermName::Default => OnSigterm::Ignore,
    }
}
