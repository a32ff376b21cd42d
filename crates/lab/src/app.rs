//! The process inside a pod: how it answers requests and handles signals.

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

/// The phases of a process, in the order in which it goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The process has started and does not listen yet.
    Booting,
    /// The process listens and answers 503 until it has initialised.
    Initialising,
    /// The process serves requests.
    Serving,
    /// The process has closed its port and asks each client to reconnect.
    Draining,
    /// The process has closed its port and ends its connections as soon as they are idle.
    Finishing,
    /// The process has ended, and its connections with it.
    Dead,
}

/// The modelled process inside a pod.
#[derive(Debug)]
pub(super) struct App {
    name: String,
    /// The value of the header `Server`.
    product: HeaderValue,
    spec: PodSpec,
    log: Arc<WorldLog>,
    phase: watch::Sender<Phase>,
    serving_since: OnceLock<Offset>,
    turns: Semaphore,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Fine,
    /// The status of the answer, and the cause for the ledger.
    Failing(StatusCode, &'static str),
}

impl App {
    /// Creates the process of pod `name`, whose `Server` header names `release`; the process does not listen yet.
    pub(super) fn new(name: &str, release: &str, spec: &PodSpec, log: Arc<WorldLog>) -> Self {
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

    /// Enters `phase` unless the process is at it or past it already.
    pub(super) fn enter(&self, phase: Phase) {
        if phase == Phase::Serving {
            let _ = self.serving_since.set(self.log.now());
        }
        self.phase.send_if_modified(|at| phase > std::mem::replace(at, phase.max(*at)));
        self.log.stir();
    }

    /// Waits until the process has entered `phase` or a later one.
    pub(super) async fn reaches(&self, phase: Phase) {
        let _ = self.phase.subscribe().wait_for(|at| *at >= phase).await;
    }

    pub(super) fn welcome(self: &Arc<Self>, stream: TcpStream, client: SocketAddr) {
        tokio::spawn(connection::serve(Arc::clone(self), stream, client));
    }

    /// Shuts down as the pod's spec says for SIGTERM; returns once the process has ended.
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

    /// Whether a readiness probe would get a 200 now.
    fn claims_ready(&self) -> bool {
        self.phase() >= Phase::Serving || self.spec.readiness.probe == Honesty::Lying
    }

    /// Handles one request: waits for a free worker, takes the spec's time, and fails the spec's share.
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

    /// The extra time of an answer while the process warms up; it decreases linearly to zero.
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
