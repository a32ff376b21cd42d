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
use super::chronicle::Chronicle;
use super::pod::accept;
use super::scenario::pod::{OnSigterm, PodSpec};
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
    let chronicle = Arc::new(Chronicle::new(now, events));
    let app = Arc::new(App::new((name, release), spec, Arc::clone(&chronicle)));
    tokio::select! {
        failed = live(&app, &chronicle, listen, spec) => failed?,
        () = hear(sigterm, &chronicle, spec.on_sigterm) => {}
    }
    // Nothing listens any more: the socket went with the life that was just given up.
    app.sigterm().await;
    Ok(if spec.on_sigterm == OnSigterm::Exit { Exit::AtOnce } else { Exit::Finished })
}

/// Returns when `sigterm` ends its life as a server.
async fn hear(sigterm: impl Future<Output = ()>, chronicle: &Chronicle, then: OnSigterm) {
    sigterm.await;
    match then {
        OnSigterm::Exit => chronicle.tell("sigterm", "exits at once"),
        OnSigterm::Ignore => {
            chronicle.tell("sigterm", "serves on");
            std::future::pending::<()>().await;
        }
        OnSigterm::Finish => {
            chronicle.tell("sigterm", "stops listening");
            chronicle.tell("finishing", "closes what is idle and finishes what was begun");
        }
        OnSigterm::Drain => {
            chronicle.tell("sigterm", "stops listening");
            chronicle.tell("draining", "asks its clients to reconnect");
        }
    }
}

/// Its life as a server; it ends by itself only where it cannot listen.
async fn live(app: &Arc<App>, chronicle: &Chronicle, listen: SocketAddr, spec: &PodSpec) -> io::Result<()> {
    sleep(spec.boot.draw()).await;
    let listener = TcpListener::bind(listen).await?;
    app.enter(Phase::Initialising);
    chronicle.tell("listening", format!("at {}", listener.local_addr()?));
    let initialise = async {
        sleep(spec.init.draw()).await;
        app.enter(Phase::Serving);
        chronicle.tell("ready", "serves");
    };
    tokio::join!(initialise, accept(&listener, app));
    Ok(())
}
