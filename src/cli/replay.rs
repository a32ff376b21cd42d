//! `lapse replay`: plays a recorded run back as a server.

mod gate;
mod telling;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use hyper::header::HeaderName;
use tokio::sync::mpsc::unbounded_channel;

use self::gate::{Gate, ReportTo};
use self::telling::{ReadyFile, Telling, introduction};
use super::value;
use crate::recorded::Recorded;
use crate::run::signal::Signals;
use lapse_hammer::clock::Clock;
use lapse_hammer::engine::raise_descriptors;
use lapse_hammer::tls::{TlsOptions, certificates, config, private_key};
use lapse_record::journal;
use lapse_replay::coarse;
use lapse_replay::expectation::Expectation;
use lapse_replay::mark::Mark;
use lapse_replay::playback::{Playback, Speed};
use lapse_replay::recorded;
use lapse_replay::script::Script;
use lapse_replay::serve::{Config, Trigger, serve};
use lapse_replay::tls::Tls;
use lapse_replay::upstream::Upstream;

pub(super) const EXAMPLE: &str = "\
Examples: the second outage of a run, for a client's test that begins with its first request; the same as a gate in CI,
which fails if a user of that client sees a failure, or if it sends more than 1.3 requests for each
  lapse replay reports/2026-11-22T20-15-03-shop --listen 127.0.0.1:8080 --from episode:2 --to episode:2
  lapse replay reports/2026-11-22T20-15-03-shop --from episode:2 --to episode:2 --end-after 5s \\
    --expect 'user-failures=0,amplification<=1.3'";

/// The arguments of `lapse replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The folder of a run, a file that `lapse export` wrote, or the URL of one; or the report.json of a run, which is
    /// played more coarsely.
    run: String,
    /// The address to serve at, or a port of 127.0.0.1; port 0 picks a free one [e.g. 0.0.0.0:8080].
    #[arg(short, long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = value::address)]
    listen: SocketAddr,
    /// The address of the control port, or a port of 127.0.0.1: it starts, resets and ends the replay and tells its state,
    /// whatever the run does to clients; port 0 picks a free one [e.g. 8081].
    #[arg(long, value_name = "ADDR:PORT", value_parser = value::address)]
    control: Option<SocketAddr>,
    /// A file to write once clients can connect: the addresses as JSON [e.g. ready.json].
    #[arg(long, value_name = "FILE")]
    ready: Option<PathBuf>,
    /// The certificate chain to show to clients, as PEM; clients then use TLS, with HTTP/2 or HTTP/1.1 [e.g. server.pem].
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The key of the certificate, as PEM [e.g. server.key].
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The URL of a service that answers while the recorded one was well; its certificate is checked against the system's
    /// [e.g. <http://127.0.0.1:3000>].
    #[arg(
        help = "The URL of a service that answers while the recorded one was well; its certificate is checked against the system's [e.g. http://127.0.0.1:3000]",
        long,
        value_name = "URL"
    )]
    upstream: Option<String>,
    /// The target to play, of a run that has several [e.g. ingress].
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Where to begin: a time since the start of the run, a time of day in UTC, or an episode, which is played from a
    /// second before it [default: the start; e.g. 6.8s, 19:06:59 or episode:2].
    #[arg(long, value_name = "PLACE")]
    from: Option<Mark>,
    /// Where to end; an episode is played to a second after it [default: the end; e.g. 9s or episode:2].
    #[arg(long, value_name = "PLACE")]
    to: Option<Mark>,
    /// What starts the replay; POST /-/start always does, and starts it again.
    #[arg(long, value_name = "WHEN", default_value = "first-request")]
    start: StartName,
    /// Begin again at the end, for ever.
    #[arg(long = "loop")]
    looped: bool,
    /// What a report.json leaves open is drawn by this seed: the same seed plays the same. A journal leaves nothing open
    /// [default: another each time; e.g. 7].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What the clients are expected to do: a figure of the ledger with its limit (requests, logical-requests, succeeded,
    /// user-failures, retries, amplification, first-success, herd-requests, herd-connections). The exit code then says
    /// whether they did [e.g. user-failures=0,amplification<=1.3].
    #[arg(long, value_name = "FIGURE<=LIMIT", value_delimiter = ',', conflicts_with = "looped")]
    expect: Vec<Expectation>,
    /// The header that the attempts at one thing share [default: idempotency-key, else the trace of traceparent; e.g.
    /// x-request-id].
    #[arg(long, value_name = "HEADER", value_parser = header_name)]
    retry_key: Option<HeaderName>,
    /// Report at the end what clients did, as text, json or junit, to standard output or a file; text if something is
    /// expected and nothing is named [repeatable; e.g. junit=lapse.xml].
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<ReportTo>,
    /// End by itself this long after the part was played [e.g. 3s].
    #[arg(long, value_name = "TIME", value_parser = value::duration, conflicts_with = "looped")]
    end_after: Option<Duration>,
    /// How many times as fast as recorded to play, delays included [e.g. 2 or 0.5].
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = speed)]
    speed: Speed,
}

/// What starts a replay, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StartName {
    /// The first request.
    FirstRequest,
    /// Only POST /-/start.
    Asked,
}

fn speed(text: &str) -> Result<Speed, String> {
    text.parse().ok().and_then(Speed::times).ok_or_else(|| "write a number from 0.01 to 100, such as 2".to_owned())
}

/// Plays the run until Ctrl-C, and prints where it listens and what happens.
pub(super) fn execute(args: &ReplayArgs) -> Result<ExitCode> {
    let cannot = || format!("cannot replay {}", args.run);
    let script = script(args).with_context(cannot)?;
    let part = script.course.between(args.from, args.to).with_context(cannot)?;
    let trigger = match args.start {
        StartName::FirstRequest => Trigger::FirstRequest,
        StartName::Asked => Trigger::Asked,
    };
    let tls = tls(args)?;
    let upstream = args.upstream.as_deref().map(upstream).transpose()?;
    let gate = Gate::open(&args.expect, &args.report)?;
    let ready = args.ready.as_deref().map(ReadyFile::create).transpose()?;
    raise_descriptors();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut signals = Signals::catch().context("cannot catch signals")?;
        let (clock, (tell, told)) = (Clock::start(), unbounded_channel());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let telling = Telling { clock, scheme, introduction: introduction(args, &script, part), ready };
        let telling = tokio::spawn(telling.tell_all(told));
        let playback = Playback::new(part, args.speed, args.looped);
        let config = Config {
            listen: args.listen,
            control: args.control,
            tls,
            upstream,
            retry_key: args.retry_key.clone(),
            end_after: args.end_after,
            trigger,
            playback,
        };
        let interrupted = Cell::new(false);
        let ended = async {
            signals.next().await;
            interrupted.set(true);
        };
        let report = serve(config, script, move || clock.now(), tell, ended).await.with_context(cannot)?;
        telling.abort();
        gate.close(report, interrupted.get())
    })
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| format!("{text:?} is no header name"))
}

/// The script of the run: of its journal, or of its report where that is named or alone is left.
fn script(args: &ReplayArgs) -> Result<Script> {
    let (path, target) = (Path::new(&args.run), args.target.as_deref());
    let seed = args.seed.unwrap_or_else(|| fastrand::u32(..).into());
    if path.is_file() && path.extension().is_some_and(|extension| extension == "json") {
        return Ok(coarse::report(path, target, seed)?);
    }
    let run = Recorded::find(&args.run)?;
    let report = run.folder().join(coarse::FILE);
    if report.is_file() && !run.folder().join(journal::FILE).exists() {
        return Ok(coarse::report(&report, target, seed)?);
    }
    Ok(recorded::journal(run.folder(), target)?)
}

/// The service at `url`.
fn upstream(url: &str) -> Result<Upstream> {
    let trust = config(&TlsOptions::default())?;
    Upstream::new(url, (*trust).clone()).with_context(|| format!("--upstream {url}"))
}

/// TLS with the certificate of the flags; `None` without any.
fn tls(args: &ReplayArgs) -> Result<Option<Tls>> {
    let (Some(cert), Some(key)) = (&args.cert, &args.key) else { return Ok(None) };
    let unusable = || format!("the certificate in {} and the key in {} cannot be used", cert.display(), key.display());
    Ok(Some(Tls::new(certificates(cert)?, private_key(key)?).with_context(unusable)?))
}
