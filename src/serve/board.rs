//! All measurements of a server: they are started here within its limits, found again, and ended with it.

use std::collections::VecDeque;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::measurement::{Measurement, Planned, Save};
use super::outcome::{Outcome, Verdict};
use super::refusal::Refusal;
use lapse_hammer::clock::Clock;
use lapse_measure::time::UnixTime;
use lapse_report::metrics::{Metrics, ServerFigures};

/// Makes a plan of a request's body, within the limits and addresses that the operator allows.
pub(crate) type Planner = Box<dyn Fn(&[u8]) -> Result<Planned, Refusal> + Send + Sync>;

/// Tells the operator of a measurement that began or ended, in one line.
pub(crate) type Say = fn(&str);

/// The time that measurements get to end once the server does: what is under way resolves, reports are written.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a board is made of.
pub(crate) struct Config {
    /// Makes plans of requests.
    pub(crate) planner: Planner,
    /// Writes the reports of a run.
    pub(crate) save: Save,
    /// Tells of measurements.
    pub(crate) say: Say,
    /// The most measurements at once.
    pub(crate) most_running: u16,
    /// The most measurements that are over and can still be asked for.
    pub(crate) most_kept: u16,
}

/// All measurements of a server.
pub(crate) struct Board {
    config: Config,
    began: UnixTime,
    /// A permit for each measurement that may still be started.
    room: Arc<Semaphore>,
    /// Held while a measurement is started, so that a key is given once.
    starting: AsyncMutex<()>,
    closing: AtomicBool,
    /// The measurements in the order in which they began.
    all: Mutex<VecDeque<Arc<Measurement>>>,
    tally: Arc<Tally>,
}

/// What was counted, also of measurements that are not kept any more.
#[derive(Debug, Default)]
struct Tally {
    /// By verdict, in the order of [`Verdict::FINAL`].
    ended: [AtomicU64; Verdict::FINAL.len()],
    probes: AtomicU64,
    refused: AtomicU64,
}

impl Board {
    /// A board without measurements.
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(config.most_running.into())),
            config,
            began: Clock::start().anchor().date,
            starting: AsyncMutex::default(),
            closing: AtomicBool::new(false),
            all: Mutex::default(),
            tally: Arc::default(),
        })
    }

    /// Starts a measurement as the body asks, or finds the one of this key that goes on. Returns whether it was started.
    pub(crate) async fn start(
        self: &Arc<Self>,
        body: Bytes,
        key: Option<String>,
    ) -> Result<(Arc<Measurement>, bool), Refusal> {
        let _one_at_a_time = self.starting.lock().await;
        if let Some(found) =
            key.as_deref().and_then(|key| self.newest(|other| other == key)).filter(|found| !found.is_over())
        {
            return Ok((found, false));
        }
        let place = self.place()?;
        let planned = self.plan(body).await?;
        let (tally, say) = (Arc::clone(&self.tally), self.config.say);
        let ended = move |measurement: &Measurement, outcome: &Outcome| {
            tally.end(outcome);
            drop(place);
            say(&format!("{} ended: {}", measurement.id, outcome.sentence));
        };
        let measurement = Measurement::start(planned, key, self.config.save, ended)?;
        (self.config.say)(&format!("{} began", measurement.id));
        let mut all = self.all();
        all.push_back(Arc::clone(&measurement));
        let over = all.iter().filter(|one| one.is_over()).count();
        for _ in usize::from(self.config.most_kept)..over {
            let oldest = all.iter().position(|one| one.is_over());
            drop(oldest.and_then(|oldest| all.remove(oldest)));
        }
        Ok((measurement, true))
    }

    /// Says whether such a measurement could be started now.
    pub(crate) async fn rehearse(self: &Arc<Self>, body: Bytes) -> Result<(), Refusal> {
        let _place = self.place()?;
        let Planned { plan, named: _ } = self.plan(body).await?;
        // Nothing was written to it yet.
        let _ = fs::remove_dir(plan.folder.path());
        Ok(())
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.closing.load(Ordering::Relaxed) {
            let why = "lapse serve is ending: ask the one that takes its place";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "ending", why));
        }
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let most = self.config.most_running;
            let why = format!(
                "{most} measurements go on, as many as may at once: try again later, or raise --max-running of lapse serve"
            );
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too-many", why)
        })
    }

    /// Plans away from the thread that answers: certificates are read, and folders made.
    async fn plan(self: &Arc<Self>, body: Bytes) -> Result<Planned, Refusal> {
        let board = Arc::clone(self);
        let planned = spawn_blocking(move || (board.config.planner)(&body)).await;
        planned.unwrap_or_else(|_| {
            let why = "the request could not be read, which is a fault of lapse: leave parts of it out to find which";
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", why))
        })
    }

    /// The measurement of this id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Measurement>> {
        self.all().iter().find(|one| one.id == id).cloned()
    }

    /// The measurement whose live page this leads to.
    pub(crate) fn watched(&self, watch: &str) -> Option<Arc<Measurement>> {
        self.all().iter().find(|one| one.watch == watch).cloned()
    }

    /// The newest measurement with such a key.
    pub(crate) fn newest(&self, is_it: impl Fn(&str) -> bool) -> Option<Arc<Measurement>> {
        self.all().iter().rev().find(|one| one.key.as_deref().is_some_and(&is_it)).cloned()
    }

    /// All measurements, the newest first.
    pub(crate) fn list(&self) -> Vec<Arc<Measurement>> {
        self.all().iter().rev().cloned().collect()
    }

    /// Counts a request that was refused, and tells the operator why: not every caller shows what it is answered. Callers
    /// without the token are counted alone.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.tally.refused.fetch_add(1, Ordering::Relaxed);
        if refusal.status != StatusCode::UNAUTHORIZED {
            (self.config.say)(&format!("refused with {}: {}", refusal.status.as_u16(), refusal.line()));
        }
    }

    /// The metrics of the server. Reads the journals of the measurements that go on.
    pub(crate) fn metrics(&self) -> Metrics {
        let running: Vec<_> = self.list().into_iter().filter(|one| !one.is_over()).collect();
        let on_their_way: u64 = running.iter().map(|one| one.outcome().probes).sum();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let ended = Verdict::FINAL.iter().zip(&self.tally.ended).map(|(verdict, ended)| (verdict.name(), count(ended)));
        Metrics::of_server(&ServerFigures {
            began: self.began,
            running: u64::try_from(running.len()).unwrap_or(u64::MAX),
            ended: ended.collect(),
            refused: count(&self.tally.refused),
            probes: count(&self.tally.probes) + on_their_way,
        })
    }

    /// Starts no more measurements, ends those that go on, for this reason, and waits until their records are kept.
    pub(crate) async fn close(&self, why: &str) {
        self.closing.store(true, Ordering::Relaxed);
        // A measurement that is being started is among the others then.
        let _none_is_started = self.starting.lock().await;
        let running: Vec<_> = self.list().into_iter().filter(|one| !one.is_over()).collect();
        for one in &running {
            one.end(why);
        }
        for one in &running {
            one.wait(PATIENCE).await;
        }
    }

    /// Ends the measurements that go on without waiting for answers.
    pub(crate) fn hurry(&self, why: &str) {
        self.list().iter().for_each(|one| one.end(why));
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<Measurement>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn end(&self, outcome: &Outcome) {
        self.probes.fetch_add(outcome.probes, Ordering::Relaxed);
        for (verdict, ended) in Verdict::FINAL.iter().zip(&self.ended) {
            ended.fetch_add(u64::from(*verdict == outcome.verdict), Ordering::Relaxed);
        }
    }
}
