//! A running scenario, on a thread of its own so that it does not disturb the prober.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::timeout;

use super::cluster::Cluster;
use super::endpoints::Endpoints;
use super::hops::{self, NotOpened};
use super::ledger::Ledger;
use super::scenario::Scenario;
use super::thread::Thread;
use super::world_log::WorldLog;
use lapse_measure::time::Offset;
use lapse_record::event::{Event, EventKind};

/// The timeout for the first pods to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a world could not start, or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thread or the runtime could not be started.
    #[error("cannot start the lab's thread: {0}")]
    Thread(#[source] io::Error),
    /// The entrance or a hop could not be bound.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address that could not be bound.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The scenario has no act with that number.
    #[error("the scenario has {acts} acts, so there is none with number {act}, counted from 0")]
    NoSuchAct {
        /// The number that was asked for, from 0.
        act: usize,
        /// The number of acts.
        acts: usize,
    },
    /// The first pods were not ready in time.
    #[error("no pods of `{template}` are ready after 30 s: check its `boot`, `init`, `readiness` and `liveness`")]
    NotReady {
        /// The template of the pods.
        template: String,
    },
    /// The thread has stopped.
    #[error("the lab has stopped: {0}")]
    Stopped(#[source] JoinError),
}

/// A running scenario. Dropping it stops it.
#[derive(Debug)]
pub struct World {
    scenario: Arc<Scenario>,
    cluster: Arc<Cluster>,
    log: Arc<WorldLog>,
    /// The addresses of the hops, outermost first.
    hops: Vec<SocketAddr>,
    runtime: Handle,
    thread: Thread,
}

impl World {
    /// Starts `scenario` at a free port of loopback and waits until its pods are ready.
    pub async fn start(
        scenario: Scenario,
        now: impl Fn() -> Offset + Clone + Send + Sync + 'static,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, Error> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), scenario, now, events).await
    }

    /// Starts `scenario` with its entrance at `entrance` and waits until its pods are ready.
    pub async fn start_at(
        entrance: SocketAddr,
        scenario: Scenario,
        now: impl Fn() -> Offset + Clone + Send + Sync + 'static,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, Error> {
        let (runtime, thread) = Thread::start().map_err(Error::Thread)?;
        let scenario = Arc::new(scenario);
        let log = Arc::new(WorldLog::new(now, events));
        let cluster = Arc::new(Cluster::new(Arc::clone(&scenario), Arc::clone(&log)));
        let built = build(entrance, Arc::clone(&cluster), Arc::clone(&scenario), Arc::clone(&log));
        let hops = runtime.spawn(built).await.map_err(Error::Stopped)??;
        Ok(Self { scenario, cluster, log, hops, runtime, thread })
    }

    /// The URL of the outermost hop.
    pub fn url(&self) -> String {
        self.hops.first().copied().map(url).unwrap_or_default()
    }

    /// The addresses of the ready pods, for an external proxy in front of them.
    pub fn pods(&self) -> Vec<SocketAddr> {
        self.cluster.endpoints().iter().map(|pod| pod.address()).collect()
    }

    /// Performs act number `act` (from 0); returns once the rollout is complete and all old pods are gone.
    pub async fn roll(&self, act: usize) -> Result<(), Error> {
        let acts = self.scenario.acts().len();
        let script = self.scenario.acts().get(act).cloned().ok_or(Error::NoSuchAct { act, acts })?;
        let cluster = Arc::clone(&self.cluster);
        self.runtime.spawn(async move { cluster.perform(&script).await }).await.map_err(Error::Stopped)
    }

    /// Waits for the first request.
    pub async fn visited(&self) {
        self.log.visited().await;
    }

    /// The ledger so far.
    pub fn ledger(&self) -> Ledger {
        self.log.ledger()
    }

    /// The scenario that is running.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Stops the world: every port refuses and every connection is dropped.
    pub async fn stop(self) {
        self.thread.stop().await;
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// Starts the pods, and once they are ready the hops in front of them, innermost first.
async fn build(
    entrance: SocketAddr,
    cluster: Arc<Cluster>,
    scenario: Arc<Scenario>,
    log: Arc<WorldLog>,
) -> Result<Vec<SocketAddr>, Error> {
    if timeout(READY_TIMEOUT, cluster.begin()).await.is_err() {
        return Err(Error::NotReady { template: scenario.first().to_owned() });
    }
    let mut endpoints = Endpoints::new(Arc::clone(&log), cluster.endpoints());
    let hops = hops::open(scenario.hops(), entrance, &mut endpoints, &log);
    let hops = hops.map_err(|NotOpened { address, source }| Error::Listen { address, source })?;
    tokio::spawn(endpoints.run(move || cluster.endpoints()));
    let entrance = hops.first().copied().map(url).unwrap_or_default();
    log.tell(EventKind::WorldReady, format!("{} is ready at {entrance}", scenario.name()));
    Ok(hops)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Act;
    use crate::test_client::{CONNECT, Observations, TestClient};
    use lapse_hammer::clock::Clock;

    /// Performs all acts of a scenario while a client sends requests, and compares the outcomes with the expectations.
    async fn play(text: &str) {
        let clock = Clock::start();
        let (events, mut told) = mpsc::unbounded_channel();
        let scenario = Scenario::parse(text).unwrap();
        let (name, slow) = (scenario.name().to_owned(), scenario.measure().slow.unwrap_or(Duration::from_secs(30)));
        let world = World::start(scenario, move || clock.now(), events).await.unwrap();
        let client = TestClient::send(&world.url(), 6, Duration::from_millis(5), slow);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = client.take().await;
        assert_eq!(before.failed(None), 0, "{name}: fails before anything happens: {before:?}");
        for number in 0..world.scenario().acts().len() {
            world.roll(number).await.unwrap();
            tokio::time::sleep(SETTLES).await;
            check(&name, &world.scenario().acts()[number], &client.take().await);
        }
        assert!(!world.ledger().entries.is_empty());
        world.stop().await;
        let first = [told.recv().await, told.recv().await].map(|event| event.map(|event| event.kind));
        assert_eq!(first, [Some(EventKind::WorkloadFound), Some(EventKind::PodCreated)]);
    }

    /// The wait after an act, so that no failure from a stale list or a pending connect counts for the next act.
    const SETTLES: Duration = Duration::from_secs(1).saturating_add(CONNECT);

    fn check(name: &str, act: &Act, seen: &Observations) {
        let place = format!("{name}, act {}: {seen:?}", act.name);
        eprintln!("{place}");
        assert!(act.expect.lost.allows(seen.failed(None)), "{place}");
        for (lane, amount) in &act.expect.lanes {
            assert!(amount.allows(seen.failed(Some(lane))), "{place}");
        }
        if !act.expect.classes.is_empty() {
            assert!(seen.classes().iter().all(|class| act.expect.classes.contains(class)), "{place}");
        }
        if let Some(amount) = act.expect.slow {
            assert!(amount.allows(seen.count(|_, class| class == "slow")), "{place}");
        }
    }

    /// The number of worlds that run at once: each has a thread, and the machine may be small.
    const AT_ONCE: usize = 12;

    /// How often a scenario is played by itself whose play among others was held up.
    const ALONE: usize = 2;
    /// A play is void if the machine held it up for as long as this: the shortest times of scenarios are not much longer.
    const HELD_UP: Duration = Duration::from_millis(50);

    /// Plays a scenario in a task of its own. An error is why it did not go as it says, with whether it was held up.
    async fn attempt(text: String) -> Result<(), (String, bool)> {
        let worst = Arc::new(std::sync::Mutex::new(Duration::ZERO));
        let seen = Arc::clone(&worst);
        let watch = tokio::spawn(async move {
            let (clock, step) = (Clock::start(), Duration::from_millis(5));
            let mut before = clock.now();
            loop {
                tokio::time::sleep(step).await;
                let now = clock.now();
                let late = now.since(before).saturating_sub(step);
                let mut worst = seen.lock().unwrap();
                *worst = late.max(*worst);
                before = now;
            }
        });
        let played = tokio::spawn(async move { play(&text).await }).await;
        watch.abort();
        let held_up = *worst.lock().unwrap() >= HELD_UP;
        played.map_err(|error| (error.to_string(), held_up))
    }

    /// The only test that performs scenarios in real time, because it takes long: all of them, with all their acts.
    #[tokio::test]
    async fn every_scenario_goes_as_it_says() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let mut plays = tokio::task::JoinSet::new();
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(path).unwrap();
            let places = Arc::clone(&places);
            plays.spawn(async move {
                let _place = places.acquire().await;
                (attempt(text.clone()).await, text)
            });
        }
        let mut failed = Vec::new();
        for (mut result, text) in plays.join_all().await {
            for _ in 0..ALONE {
                if matches!(result, Err((_, true))) {
                    result = attempt(text.clone()).await;
                }
            }
            failed.extend(result.err().map(|(why, _)| why));
        }
        assert_eq!(failed, [""; 0], "scenarios did not go as they say");
    }
}
