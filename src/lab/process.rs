//! A pod's process as a process of its own: what a container runs, so that a real cluster rolls what the lab rolls.
//!
//! The cluster does the rest: it asks the probes, runs the preStop hook and sends the signals.

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
use crate::events::event::Event;
use crate::measure::time::Offset;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It finished what it had begun.
    Finished,
    /// It dropped everything.
    AtOnce,
}

/// Runs a pod's process called `name` at `listen` until `sigterm` comes and it has done about that what its spec says.
pub async fn run(
    (name, spec): (&str, &PodSpec),
    listen: SocketAddr,
    now: impl Fn() -> Offset + Send + Sync + 'static,
    events: mpsc::UnboundedSender<Event>,
    sigterm: impl Future<Output = ()>,
) -> io::Result<Exit> {
    let chronicle = Arc::new(Chronicle::new(now, events));
    let app = Arc::new(App::new(name, spec, Arc::clone(&chronicle)));
    let told = async {
        sigterm.await;
        chronicle.tell("pod-sigterm", format!("{name} gets SIGTERM"));
        if spec.on_sigterm == OnSigterm::Ignore {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = live(&app, &chronicle, listen, spec) => served?,
        () = told => {}
    }
    // By now nobody listens at the port.
    app.sigterm().await;
    Ok(if spec.on_sigterm == OnSigterm::Exit { Exit::AtOnce } else { Exit::Finished })
}

/// Its life until it is told to end; it ends by itself only if it cannot listen.
async fn live(app: &Arc<App>, chronicle: &Chronicle, listen: SocketAddr, spec: &PodSpec) -> io::Result<()> {
    sleep(spec.boot.draw()).await;
    let listener = TcpListener::bind(listen).await?;
    app.enter(Phase::Initialising);
    chronicle.tell("pod-listening", format!("listening at {}", listener.local_addr()?));
    let initialise = async {
        sleep(spec.init.draw()).await;
        app.enter(Phase::Serving);
        chronicle.tell("pod-serving", "serving");
    };
    tokio::join!(initialise, accept(&listener, app));
    Ok(())
}
