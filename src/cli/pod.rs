//! `lapse pod`: one pod of the lab as a process, for containers.

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
use lapse_lab::duration_range::DurationRange;
use lapse_lab::process::{self, Exit, ProcessConfig};
use lapse_lab::scenario::pod::{Afterwards, Honesty, LongRequests, OnSigterm, PodSpec, Readiness, WarmUp};
use lapse_record::event::{Event, EventKind, Source};

pub(super) const EXAMPLE: &str = "\
Example: a pod that takes a second to start, and asks its clients to reconnect before it exits
  lapse pod --listen 127.0.0.1:8080 --boot 1s --on-sigterm drain";

/// The arguments of `lapse pod`, or the variables of its container's environment.
#[derive(Debug, Args)]
pub(super) struct PodArgs {
    /// The address to listen at.
    #[arg(short, long, env = "POD_LISTEN", value_name = "ADDR:PORT", default_value = "0.0.0.0:8080")]
    listen: std::net::SocketAddr,
    /// The pod's name, in each answer and in the header `X-Pod`.
    #[arg(long, env = "HOSTNAME", value_name = "NAME", default_value = "pod", value_parser = value::header_text)]
    name: String,
    /// The pod's release: the header `Server` is `lapse-pod/RELEASE`.
    #[arg(
        long,
        env = "POD_RELEASE",
        value_name = "RELEASE",
        default_value = env!("CARGO_PKG_VERSION"),
        value_parser = value::header_text
    )]
    release: String,

    /// The time from the start until the pod listens [e.g. 300ms..500ms, drawn anew by each process].
    #[arg(long, env = "POD_BOOT", value_name = "TIME", default_value = "0s", value_parser = value::start)]
    boot: DurationRange,
    /// The time from there until the pod can serve; meanwhile it answers 503 [e.g. 2s, or never].
    #[arg(long, env = "POD_INIT", value_name = "TIME", default_value = "0s", value_parser = value::start)]
    init: DurationRange,
    /// When `/-/ready` answers 200.
    #[arg(long, env = "POD_READINESS", value_name = "HOW", default_value = "honest")]
    readiness: ReadinessName,

    /// The time that an answer takes [e.g. 10ms..20ms, drawn anew for each].
    #[arg(long, env = "POD_WORK", value_name = "TIME", default_value = "2ms")]
    work: DurationRange,
    /// The time after the start in which answers are slower, with a decrease to none [e.g. 5s].
    #[arg(long, env = "POD_WARM_UP", value_name = "TIME", default_value = "0s")]
    warm_up: DurationRange,
    /// The extra time of the first answer in that time.
    #[arg(long, env = "POD_WARM_UP_ADDS", value_name = "TIME", default_value = "500ms")]
    warm_up_adds: DurationRange,
    /// The share of requests that take long [e.g. 5%].
    #[arg(long, env = "POD_LONG_SHARE", value_name = "P%", default_value = "0%", value_parser = value::share)]
    long_share: f64,
    /// The time that each of these takes.
    #[arg(long, env = "POD_LONG_WORK", value_name = "TIME", default_value = "1s")]
    long_work: DurationRange,
    /// The share of requests that is answered with 500 [e.g. 50%].
    #[arg(long, env = "POD_ERRORS", value_name = "P%", default_value = "0%", value_parser = value::share)]
    errors: f64,
    /// The number of requests worked on at once; more wait [default: no limit; e.g. 8].
    #[arg(long, env = "POD_CAPACITY", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    capacity: Option<u32>,

    /// A file for the time of the exit, which Kubernetes shows as the container's message [e.g. /dev/termination-log].
    #[arg(long, env = "POD_TERMINATION_LOG", value_name = "FILE")]
    termination_log: Option<std::path::PathBuf>,
    /// The reaction to SIGTERM.
    #[arg(long, env = "POD_ON_SIGTERM", value_name = "WHAT", default_value = "exit")]
    on_sigterm: OnSigtermName,
}

/// When a pod reports ready, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReadinessName {
    /// Once the pod serves.
    Honest,
    /// Once the pod listens.
    Lying,
}

/// A pod's reaction to SIGTERM, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnSigtermName {
    /// Exit at once and drop all connections.
    Exit,
    /// Stop listening, close idle connections, finish open requests, and exit.
    Finish,
    /// Stop listening, ask each client to reconnect, and exit once all have gone.
    Drain,
    /// Handle the signal and serve on until SIGKILL.
    Ignore,
    /// Install no handler, as many programs do: the kernel ends the process, or, as a container's PID 1, does not
    /// deliver the signal.
    Default,
}

/// The exit code of a process that Ctrl-C has ended, as shells report it.
const INTERRUPTED: u8 = 130;
/// The exit code of a process that SIGTERM has ended. The signal itself cannot do it as a container's PID 1, to which
/// the kernel delivers only signals that have a handler.
const TERMINATED: u8 = 143;

/// Serves until SIGTERM has taken effect or Ctrl-C comes, and returns the exit code.
pub(super) fn execute(args: &PodArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(args)).map(ExitCode::from)
}

async fn serve(args: &PodArgs) -> Result<u8> {
    let (clock, (tell, mut told)) = (Clock::start(), unbounded_channel());
    let mut terminate = caught(SignalKind::terminate(), args.on_sigterm)?;
    let mut interrupt = caught(SignalKind::interrupt(), args.on_sigterm)?;
    let spec = spec(args);
    let config = ProcessConfig { name: &args.name, release: &args.release, spec: &spec, listen: args.listen };
    let code = tokio::select! {
        exit = process::run(config, move || clock.now(), tell.clone(), next(&mut terminate)) => {
            code(exit.with_context(|| format!("cannot listen at {}: choose another address with --listen", args.listen))?)
        }
        () = next(&mut interrupt) => INTERRUPTED,
        never = print(&mut told) => match never {},
    };
    let tell = |kind: EventKind, text: String| drop(tell.send(Event::new(clock.now(), Source::Lab, kind, text)));
    // The exit code says how the pod ended, whether or not that could be written to the file.
    if let Some(file) = &args.termination_log
        && let Err(error) =
            std::fs::write(file, format!("ended at {} ns", clock.anchor().date_at(clock.now()).as_nanos()))
    {
        tell(EventKind::Trouble, format!("cannot write to {}: {error}", file.display()));
    }
    tell(EventKind::Exited, format!("with code {code}"));
    // The last events may still be in the channel.
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

/// A handler for the signal, or `None` if the pod is to have no handlers.
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

/// Prints events; the pod serves on when stdout is closed.
async fn print(told: &mut UnboundedReceiver<Event>) -> Infallible {
    tell_all(told).await;
    pending().await
}

fn spec(args: &PodArgs) -> PodSpec {
    PodSpec {
        // The cluster does these.
        schedule: DurationRange::ZERO,
        liveness: None,
        pre_stop: DurationRange::ZERO,
        grace: DurationRange::ZERO,
        teardown: DurationRange::ZERO,
        afterwards: Afterwards::Refuses,
        // The process does these.
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
        // Without a handler the process never sees the signal.
        OnSigtermName::Ignore | OnSigtermName::Default => OnSigterm::Ignore,
    }
}
