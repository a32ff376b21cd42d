//! One measurement: a run in a thread of its own, asked for by a caller, followed by its journal as onlookers do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use ring::rand::SystemRandom;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::timeout;

use super::outcome::Outcome;
use super::refusal::Refusal;
use crate::follower::Follower;
use crate::http_server::Answer;
use crate::live::SharedPage;
use crate::progress::{Progress, Style};
use crate::run::launch;
use crate::run::plan::Plan;
use crate::run::steering::{Request, Steering};
use lapse_hammer::clock::Clock;
use lapse_measure::time::UnixTime;
use lapse_record::event::EventKind;
use lapse_record::record::Record;

/// Writes the reports of a run into its folder; returns what could not be written.
pub(crate) type Save = fn(&Record, &Path) -> Vec<anyhow::Error>;

/// The minimum time between two readings of the journal.
const PACE: Duration = Duration::from_millis(200);
/// The most events that callers may add to one measurement.
const MOST_EVENTS: u32 = 1_000;
/// The most characters of an event's text.
const MOST_OF_A_TEXT: usize = 500;

/// A plan to measure by.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    /// The name of the operator's plan that it comes from; `None` if the caller gave all of it.
    pub(crate) named: Option<String>,
}

/// A measurement, going on or over.
#[derive(Debug)]
pub(crate) struct Measurement {
    /// Its id: 128 random bits.
    pub(crate) id: String,
    /// What leads to its live page without a token: 128 random bits more.
    pub(crate) watch: String,
    /// What its caller calls it, to find it again.
    pub(crate) key: Option<String>,
    name: String,
    named: Option<String>,
    folder: PathBuf,
    began: UnixTime,
    steering: UnboundedSender<Request>,
    /// The outcome, once the measurement is over.
    over: watch::Sender<Option<(Arc<Outcome>, UnixTime)>>,
    followed: Mutex<(Follower, Arc<Outcome>)>,
    page: Mutex<Option<SharedPage>>,
    events: AtomicU32,
}

impl Measurement {
    /// Starts the measurement in a thread of its own. `ended` is called with its outcome, once it is over.
    pub(crate) fn start(
        planned: Planned,
        key: Option<String>,
        save: Save,
        ended: impl FnOnce(&Self, &Outcome) + Send + 'static,
    ) -> Result<Arc<Self>, Refusal> {
        let cannot = |why: &str| {
            Refusal::new(hyper::StatusCode::SERVICE_UNAVAILABLE, "failed-to-start", format!("{why}: try again later"))
        };
        let Planned { plan, named } = planned;
        let folder = plan.folder.path().to_owned();
        let (steering, requests) = unbounded_channel();
        let (id, watch) = drawn().zip(drawn()).ok_or_else(|| cannot("the kernel gave no random numbers for an id"))?;
        let measurement = Arc::new(Self {
            id,
            watch,
            key,
            name: plan.name.clone(),
            named,
            began: now(),
            steering,
            over: watch::Sender::new(None),
            followed: Mutex::new((Follower::of(&folder, PACE), Arc::new(Outcome::unknown()))),
            folder,
            page: Mutex::default(),
            events: AtomicU32::new(0),
        });
        let ending = Ending { measurement: Arc::clone(&measurement), ended: Some(ended) };
        let work = move || {
            let outcome = measure(plan, requests, save);
            ending.with(outcome);
        };
        let spawned = thread::Builder::new().name("measurement".to_owned()).spawn(work);
        spawned.map_err(|error| cannot(&format!("no thread could be started ({error})")))?;
        Ok(measurement)
    }

    /// The outcome, or how the measurement fares so far as its journal has it. Reads what was added to that.
    pub(crate) fn outcome(&self) -> Arc<Outcome> {
        if let Some((outcome, _)) = &*self.over.borrow() {
            return Arc::clone(outcome);
        }
        let mut followed = lock(&self.followed);
        let (run, newest) = &mut *followed;
        if run.rest().is_zero()
            && let Some(outcome) = run.read(Outcome::so_far)
        {
            *newest = Arc::new(outcome);
        }
        Arc::clone(newest)
    }

    /// Whether the measurement is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over.borrow().is_some()
    }

    /// Waits until the measurement is over, for this time at most.
    pub(crate) async fn wait(&self, most: Duration) {
        let mut over = self.over.subscribe();
        let _ = timeout(most, over.wait_for(Option::is_some)).await;
    }

    /// Ends the event: the run settles, and is judged.
    pub(crate) fn settle(&self) {
        let _ = self.steering.send(Request::Settle);
    }

    /// Ends the measurement at once, for this reason; a second time, without waiting for answers.
    pub(crate) fn end(&self, why: &str) {
        let _ = self.steering.send(Request::End(Signal::TERM, why.to_owned()));
    }

    /// Puts an event on the timeline. Refused if the measurement is over, or has as many as it may have.
    pub(crate) fn tell(&self, text: &str, source_time: Option<UnixTime>) -> Result<(), Refusal> {
        if self.is_over() {
            let why = format!("the measurement {} is over: nothing can be added to its timeline", self.id);
            return Err(Refusal::new(hyper::StatusCode::CONFLICT, "over", why));
        }
        if self.events.fetch_add(1, Ordering::Relaxed) >= MOST_EVENTS {
            self.events.store(MOST_EVENTS, Ordering::Relaxed);
            let why = format!("the measurement {} has {MOST_EVENTS} events of its caller: it takes no more", self.id);
            return Err(Refusal::limit(why));
        }
        let text = text.chars().take(MOST_OF_A_TEXT).collect();
        let _ = self.steering.send(Request::Event { kind: EventKind::Told, text, source_time });
        Ok(())
    }

    /// A report of the run from its folder. Refused before the end, and where it cannot be read.
    pub(crate) fn report(&self, file: &str) -> Result<Vec<u8>, Refusal> {
        let Self { id, .. } = self;
        if !self.is_over() {
            let why = format!("{file} of {id} is written when it is over: ask /v1/measurements/{id}?wait=30s before");
            return Err(Refusal::new(hyper::StatusCode::CONFLICT, "running", why));
        }
        let path = self.folder.join(file);
        fs::read(&path).map_err(|error| {
            let why = format!("{file} of {id} cannot be read ({error}): make it with `lapse report` from the journal");
            Refusal::unknown(why)
        })
    }

    /// An answer of the live page; of a measurement that is over its report.
    pub(crate) async fn page(&self, path: &str, query: Option<&str>) -> Answer {
        match self.shared_page() {
            Ok(Some(page)) => page.answer(path, query).await,
            Ok(None) => self.report("report.html").map_or_else(|refusal| refusal.answer(), SharedPage::of_the_end),
            Err(error) => {
                let why = format!("no thread for the page can be started ({error}): try again later");
                Refusal::new(hyper::StatusCode::SERVICE_UNAVAILABLE, "busy", why).answer()
            }
        }
    }

    /// The page while the measurement goes on, begun with the first request for it.
    fn shared_page(&self) -> io::Result<Option<SharedPage>> {
        let mut page = lock(&self.page);
        if self.is_over() {
            return Ok(None);
        }
        match &*page {
            Some(page) => Ok(Some(page.clone())),
            None => Ok(Some(page.insert(SharedPage::follow(self.folder.clone())?).clone())),
        }
    }

    /// The measurement as JSON.
    pub(crate) fn document(&self) -> Value {
        let outcome = self.outcome();
        let Self { id, watch, .. } = self;
        let ended = self.over.borrow().as_ref().map(|(_, ended)| date(*ended));
        json!({
            "id": id,
            "name": self.name,
            "plan": self.named,
            "key": self.key,
            "verdict": outcome.verdict.name(),
            "sentence": outcome.sentence,
            "breaches": outcome.breaches,
            "judgement": outcome.judgement,
            "phase": outcome.phase.map(|phase| phase.to_string()),
            "probes": outcome.probes,
            "began": date(self.began),
            "ended": ended,
            "folder": self.folder.display().to_string(),
            "self": format!("/v1/measurements/{id}"),
            "report": format!("/v1/measurements/{id}/report.html"),
            "live": format!("/live/{watch}/"),
        })
    }
}

/// Gives a measurement its outcome, also where its thread breaks off.
struct Ending<F: FnOnce(&Measurement, &Outcome)> {
    measurement: Arc<Measurement>,
    ended: Option<F>,
}

impl<F: FnOnce(&Measurement, &Outcome)> Ending<F> {
    fn with(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        let Some(ended) = self.ended.take() else { return };
        let (measurement, outcome) = (&self.measurement, Arc::new(outcome));
        // First, so that a caller who is told of the end finds it counted and its place free.
        ended(measurement, &outcome);
        // The page is taken before the end is told, so that no other is begun after it.
        let mut page = lock(&measurement.page);
        measurement.over.send_replace(Some((Arc::clone(&outcome), now())));
        if let Some(page) = page.take() {
            let report = measurement.report("report.html").unwrap_or_default();
            page.end(String::from_utf8_lossy(&report).into_owned());
        }
        drop(page);
    }
}

impl<F: FnOnce(&Measurement, &Outcome)> Drop for Ending<F> {
    fn drop(&mut self) {
        self.end(Outcome::failed("the measurement broke off, which is a fault of lapse: its journal is kept"));
    }
}

/// Makes the run and writes its reports.
fn measure(plan: Plan, requests: UnboundedReceiver<Request>, save: Save) -> Outcome {
    let folder = plan.folder.path().to_owned();
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Outcome::failed(&format!("cannot start the runtime ({error})")),
    };
    let mut progress = Progress::new(Style::Quiet);
    let made = runtime.block_on(launch::run_steered(plan, Steering::Requests(requests), &mut progress));
    runtime.shutdown_background();
    match made {
        Ok(record) => {
            let unwritten = save(&record, &folder).first().map(|error| format!("{error:#}"));
            Outcome::of(&record, unwritten)
        }
        Err(error) => {
            // Nothing was measured: the folder goes, if it is empty.
            let _ = fs::remove_dir(&folder);
            Outcome::failed(&format!("{:#}", anyhow::Error::new(error)))
        }
    }
}

/// 128 random bits as text; `None` if the kernel has none to give.
fn drawn() -> Option<String> {
    let bytes = ring::rand::generate::<[u8; 16]>(&SystemRandom::new()).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes.expose())))
}

fn now() -> UnixTime {
    Clock::start().anchor().date
}

/// The date in UTC, as in `2026-11-22T20:15:03.120Z`.
fn date(at: UnixTime) -> String {
    let time = DateTime::from_timestamp_nanos(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX));
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Locks, also after a panic elsewhere: each value is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
