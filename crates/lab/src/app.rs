//! The process inside a pod: how it answers requests, and what a signal does to it.

mod connection;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::scenario::pod::{Honesty, OnSigterm, PodSpec};
use super::world_log::WorldLog;
use lapse_measure::time::Offset;

/// Where in its life a process is, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It does not listen yet.
    Booting,
    /// It listens, and cannot serve yet.
    Initialising,
    /// It serves.
    Serving,
    /// It no longer listens, and asks its clients to go.
    Draining,
    /// It no longer listens, and ends its connections as soon as they are idle.
    Finishing,
    /// It is no more.
    Dead,
}

/// The process inside a pod.
#[derive(Debug)]
pub(super) struct App {
    name: String,
    /// What it calls itself in the header `Server`.
    product: HeaderValue,
    spec: PodSpec,
    log: Arc<WorldLog>,
    phase: watch::Sender<Phase>,
    serving_since: OnceLock<Offset>,
    turns: Semaphore,
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Fine,
    /// This status, and why.
    Failing(StatusCode, &'static str),
}

impl App {
    /// A process of the pod `name`, of the release `release`.
    pub(super) fn new((name, release): (&str, &str), spec: &PodSpec, log: Arc<WorldLog>) -> Self {
        let turns = spec.capacity.map_or(Semaphore::MAX_PERMITS, |capacity| capacity as usize);
        Self {
            name: name.to_owned(),
            product: product(release),
            spec: spec.clone(),
            log,
            phase: watch::Sender::new(Phase::Booting),
            serving_since: OnceLock::new(),
            turns: Semaphore::new(turns),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn listens(&self) -> bool {
        matches!(self.phase(), Phase::Initialising | Phase::Serving)
    }

    /// Moves on to `phase`, never back.
    pub(super) fn enter(&self, phase: Phase) {
        if phase == Phase::Serving {
            let _ = self.serving_since.set(self.log.now());
        }
        self.phase.send_if_modified(|at| phase > std::mem::replace(at, phase.max(*at)));
        self.log.stir();
    }

    /// Waits until it is at `phase` or past it.
    pub(super) async fn reaches(&self, phase: Phase) {
        let _ = self.phase.subscribe().wait_for(|at| *at >= phase).await;
    }

    /// Serves a client on a connection that has just been made.
    pub(super) fn welcome(self: &Arc<Self>, stream: TcpStream, client: SocketAddr) {
        tokio::spawn(connection::serve(Arc::clone(self), stream, client));
    }

    /// Does what it does on SIGTERM, until it has exited.
    pub(super) async fn sigterm(&self) {
        match self.spec.on_sigterm {
            OnSigterm::Exit => {}
            OnSigterm::Ignore => std::future::pending().await,
            OnSigterm::Finish => self.enter(Phase::Finishing),
            OnSigterm::Drain => self.enter(Phase::Draining),
        }
        if self.phase() >= Phase::Draining {
            // Each connection holds a receiver: when all have gone, so have the connections.
            self.phase.closed().await;
        }
        self.enter(Phase::Dead);
    }

    /// Whether it would tell a probe that it is ready.
    fn claims_ready(&self) -> bool {
        self.phase() >= Phase::Serving || self.spec.readiness.probe == Honesty::Lying
    }

    /// Works on a request for as long as that takes.
    async fn work(&self) -> Reply {
        if self.phase() < Phase::Serving {
            return Reply::Failing(StatusCode::SERVICE_UNAVAILABLE, "it had not initialised yet");
        }
        let _turn = self.turns.acquire().await;
        tokio::time::sleep(self.effort()).await;
        if fastrand::f64() < self.spec.errors {
            Reply::Failing(StatusCode::INTERNAL_SERVER_ERROR, "its release is bad")
        } else {
            Reply::Fine
        }
    }

    fn effort(&self) -> Duration {
        let long = self.spec.long_requests.filter(|long| fastrand::f64() < long.share);
        long.map_or(self.spec.work, |long| long.work).draw() + self.chill()
    }

    /// What it still lacks in warmth: less and less from when it began to serve.
    fn chill(&self) -> Duration {
        let (Some(warm_up), Some(since)) = (self.spec.warm_up, self.serving_since.get()) else { return Duration::ZERO };
        let lasts = warm_up.lasts.high().as_secs_f64();
        let gone = self.log.now().since(*since).as_secs_f64();
        warm_up.adds.draw().mul_f64((1.0 - gone / lasts.max(f64::MIN_POSITIVE)).max(0.0))
    }
}

fn product(release: &str) -> HeaderValue {
    let product = HeaderValue::try_from(format!("lapse-pod/{release}"));
    product.unwrap_or(HeaderValue::from_static("lapse-pod"))
}
