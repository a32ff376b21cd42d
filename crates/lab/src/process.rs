//! A pod's process as a real process: the program in a container, so that a real cluster rolls what the lab models.
//!
//! The process starts, serves and ends as its pod template says. Scheduling, probes, the preStop hook, signals and the
//! grace period are the cluster's.

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
use lapse_record::event::{Event, EventKind};

/// How the process ended after SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The requests that had begun were finished.
    Finished,
    /// All connections were dropped.
    AtOnce,
}

/// The process to run.
#[derive(Clone, Copy, Debug)]
pub struct ProcessConfig<'a> {
    /// The name of the pod that the process runs in.
    pub name: &'a str,
    /// The release, which the `Server` header of each answer names.
    pub release: &'a str,
    /// How the process starts, serves and ends.
    pub spec: &'a PodSpec,
    /// The address to listen at.
    pub listen: SocketAddr,
}

/// Runs the process until `sigterm` resolves and the process has shut down as its spec says. Each change of its state
/// is an event. Fails only where the address cannot be bound.
pub async fn run(
    config: ProcessConfig<'_>,
    now: impl Fn() -> Offset + Send + Sync + 'static,
    events: mpsc::UnboundedSender<Event>,
    sigterm: impl Future<Output = ()>,
) -> io::Result<Exit> {
    let log = Arc::new(WorldLog::new(now, events));
    let ProcessConfig { name, release, spec, listen } = config;
    let app = Arc::new(App::new(name, release, spec, Arc::clone(&log)));
    tokio::select! {
        failed = live(&app, &log, listen, spec) => failed?,
        () = hear(sigterm, &log, spec.on_sigterm) => {}
    }
    // The port is closed: the listener was dropped with `live`.
    app.sigterm().await;
    Ok(if spec.on_sigterm == OnSigterm::Exit { Exit::AtOnce } else { Exit::Finished })
}

/// Waits for SIGTERM, and emits the events of what the process does about it; never returns if it is ignored.
async fn hear(sigterm: impl Future<Output = ()>, log: &WorldLog, then: OnSigterm) {
    sigterm.await;
    match then {
        OnSigterm::Exit => log.tell(EventKind::Sigterm, "exits at once"),
        OnSigterm::Ignore => {
            log.tell(EventKind::Sigterm, "serves on");
            std::future::pending::<()>().await;
        }
        OnSigterm::Finish => {
            log.tell(EventKind::Sigterm, "stops listening");
            log.tell(EventKind::Finishing, "closes what is idle and finishes what was begun");
        }
        OnSigterm::Drain => {
            log.tell(EventKind::Sigterm, "stops listening");
            log.tell(EventKind::Draining, "asks its clients to reconnect");
        }
    }
}

/// Listens, initialises and serves; returns only if it cannot listen.
async fn live(app: &Arc<App>, log: &WorldLog, listen: SocketAddr, spec: &PodSpec) -> io::Result<()> {
    sleep(spec.boot.draw()).await;
    let listener = TcpListener::bind(listen).await?;
    app.enter(Phase::Initialising);
    log.tell(EventKind::Listening, format!("at {}", listener.local_addr()?));
    let initialise = async {
        sleep(spec.init.draw()).await;
        app.enter(Phase::Serving);
        log.tell(EventKind::ProcessReady, "serves");
    };
    tokio::join!(initialise, accept(&listener, app));
    Ok(())
}
