//! A pod's process as a process of its own: what a container runs, so that a real cluster rolls what the lab rolls.
//!
//! It starts, serves and ends as a pod template says. The rest is the cluster's: scheduling, probes, the preStop hook,
//! signals, and the end of the grace period.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::app::{App, Phase};
use super::pod::accept;
use super::scenario::pod::{OnSigterm, PodSpec};
use super::world_log::WorldLog;
use lapse_measure::time::Offset;
use lapse_record::event::Event;

/// How it ended after SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It finished what it had begun.
    Finished,
    /// It dropped everything.
    AtOnce,
}

/// Runs the process of a pod called `name`, of the release `release`, at `listen` until `sigterm` has come and it has done
/// about that what `spec` says. Each change of its state is an event. It fails only where it cannot listen.
pub async fn run(
    (name, release, spec): (&str, &str, &PodSpec),
    listen: SocketAddr,
    now: impl Fn() -> Offset + Send + Sync + 'static,
    events: mpsc::UnboundedSender<Event>,
    sigterm: impl Future<Output = ()>,
) -> io::Result<Exit> {
    let log = Arc::new(WorldLog::new(now, events));
    let app = Arc::new(App::new((name, release), spec, Arc::clone(&log)));
    tokio::select! {
        failed = live(&app, &log, listen, spec) => failed?,
        () = hear(sigterm, &log, spec.on_sigterm) => {}
    }
    // Nothing listens any more: the socket went with the life that was just given up.
    app.sigterm().await;
    Ok(if spec.on_sigterm == OnSigterm::Exit { Exit::AtOnce } else { Exit::Finished })
}

/// Returns when `sigterm` ends its life as a server.
async fn hear(sigterm: impl Future<Output = ()>, log: &WorldLog, then: OnSigterm) {
    sigterm.await;
    match then {
        OnSigterm::Exit => log.tell("sigterm", "exits at once"),
        OnSigterm::Ignore => {
            log.tell("sigterm", "serves on");
            std::future::pending::<()>().await;
        }
        OnSigterm::Finish => {
            log.tell("sigterm", "stops listening");
            log.tell("finishing", "closes what is idle and finishes what was begun");
        }
        OnSigterm::Drain => {
            log.tell("sigterm", "stops listening");
            log.tell("draining", "asks its clients to reconnect");
        }
    }
}

/// Its life as a server; it ends by itself only where it cannot listen.
async fn live(app: &Arc<App>, log: &WorldLog, listen: SocketAddr, spec: &PodSpec) -> io::Result<()> {
    sleep(spec.boot.draw()).await;
    let listener = TcpListener::bind(listen).await?;
    app.enter(Phase::Initialising);
    log.tell("listening", format!("at {}", listener.local_addr()?));
    let initialise = async {
        sleep(spec.init.draw()).await;
        app.enter(Phase::Serving);
        log.tell("ready", "serves");
    };
    tokio::join!(initialise, accept(&listener, app));
    Ok(())
}
