//! Slots in, records out: the engine's threads, and the one channel that carries all of their results.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::addresses::AddressTallies;
use super::clock::Clock;
use super::connect::{BadName, Connector};
use super::health;
use super::lane::Lane;
use super::pacer::Pacer;
use super::precedence::{self, GivenUp, Guard};
use super::redirect::Redirect;
use super::request::PreparedRequest;
use super::slowness::SlowTally;
use super::target::Target;
use super::template::Filling;
use super::worker::{HandedOn, StopSignal, ThreadLane, Timing, Worker, WorkerConfig};
use lapse_measure::lane::{self, LaneId, Policy};
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::time::Offset;
use lapse_record::batch::Batch;
use lapse_record::entry::Precedence;

/// Slots per second that one thread handles with room to spare.
const A_THREADS: u64 = 20_000;
/// Descriptors that are reserved for everything but probes; a quarter of a small limit.
const RESERVE: u64 = 128;

/// The engine's settings; the caller has checked them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The targets, by [`TargetId`](lapse_measure::lane::TargetId).
    pub targets: Vec<Target>,
    /// The lanes, by [`LaneId`].
    pub lanes: Vec<lane::Lane>,
    /// When control probes are due.
    pub control: Schedule,
    /// The timeout of a whole probe, from its due time.
    pub timeout: Duration,
    /// The timeout for connecting, TLS included.
    pub connect_timeout: Duration,
    /// An answer later than this after its due time is slow.
    pub slow: Duration,
    /// Keep-alive connections of a `reused` lane.
    pub connections: usize,
    /// Whether the threads ask the kernel for precedence over other threads.
    pub precedence: bool,
    /// What the values of placeholders in requests are computed from.
    pub filling: Filling,
}

/// Why the engine cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A target's host name is not valid.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The system refused a resource that a thread needs.
    #[error("cannot start a thread of the engine")]
    Thread(#[source] io::Error),
}

/// The running engine. Dropping it stops its threads.
#[derive(Debug)]
pub struct Hammer {
    arriving: UnboundedReceiver<HandedOn>,
    orders: Arc<StopSignal>,
    /// Each thread's watermark.
    marks: Vec<Offset>,
    /// The weakest precedence that a thread was granted.
    precedence: Precedence,
    given_up: Arc<GivenUp>,
    redirects: Vec<(LaneId, Redirect)>,
    addresses: Vec<(LaneId, AddressTallies)>,
    slow: Vec<(LaneId, SlowTally)>,
}

/// Starts the engine. The lanes' schedules say when their first slots are due; `clock` may not have begun yet.
pub fn start(settings: Settings, clock: Clock) -> Result<Hammer, Error> {
    for target in &settings.targets {
        Connector::new(target, settings.connect_timeout)?;
    }
    let threads = threads(&settings);
    let descriptors = raise_descriptors();
    let for_probes = descriptors - RESERVE.min(descriptors / 4);
    let most_in_flight = usize::try_from(for_probes / threads).unwrap_or(usize::MAX);
    let (settings, orders) = (Arc::new(settings), Arc::new(StopSignal::new()));
    let (tell, arriving) = unbounded_channel();
    let given_up = Arc::new(GivenUp::new());
    let mut precedence = Precedence::Fifo;
    for nth in 0..threads {
        let (settings, orders, tell) = (Arc::clone(&settings), Arc::clone(&orders), tell.clone());
        let given_up = Arc::clone(&given_up);
        let post = WorkerThread { settings, nth, of: threads, most_in_flight, clock, orders, given_up };
        let (ready, started) = sync_channel(1);
        let work = move || {
            let outcome = post.work(tell, &ready);
            // A failure to start reaches the caller that waits for it; later failures have no receiver.
            let _ = ready.try_send(outcome.map(|()| Precedence::None));
        };
        thread::Builder::new().name(format!("hammer-{nth}")).spawn(work).map_err(Error::Thread)?;
        let started = started.recv().unwrap_or_else(|_| Err(io::Error::other("it ended at once")));
        precedence = precedence.min(started.map_err(Error::Thread)?);
    }
    let marks = vec![Offset::ZERO; usize::try_from(threads).unwrap_or(1)];
    Ok(Hammer {
        arriving,
        orders,
        marks,
        precedence,
        given_up,
        redirects: Vec::new(),
        addresses: Vec::new(),
        slow: Vec::new(),
    })
}

fn threads(settings: &Settings) -> u64 {
    slots_a_second(settings).div_ceil(A_THREADS).clamp(1, cores())
}

fn cores() -> u64 {
    thread::available_parallelism().map_or(1, |cores| cores.get() as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive and bounded")]
fn slots_a_second(settings: &Settings) -> u64 {
    settings.lanes.iter().map(|lane| lane.schedule.rate().ceil() as u64).sum()
}

/// Raises the limit on open descriptors to its maximum, and returns that.
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let set = setrlimit(Resource::Nofile, raised).is_ok();
    let stands = if set { limit.maximum } else { limit.current };
    // Without a limit, the kernel's default for one process applies.
    stands.unwrap_or(1 << 20)
}

/// The arguments of one thread.
struct WorkerThread {
    settings: Arc<Settings>,
    nth: u64,
    of: u64,
    most_in_flight: usize,
    clock: Clock,
    orders: Arc<StopSignal>,
    given_up: Arc<GivenUp>,
}

type BatchSender = UnboundedSender<HandedOn>;
/// Carries the precedence that a thread was granted, once it is about to send.
type Ready = SyncSender<io::Result<Precedence>>;

impl WorkerThread {
    /// Runs one thread from its start to its end. It reports on `ready` when it is about to send.
    fn work(self, tell: BatchSender, ready: &Ready) -> io::Result<()> {
        let precedence = self.precedence();
        // No timer: the pacer has its own.
        let runtime = Builder::new_current_thread().enable_io().build_local(LocalOptions::default())?;
        runtime.block_on(async {
            let rate = Rate::per_second(slots_a_second(&self.settings).div_ceil(self.of));
            let rate = rate.ok_or_else(|| io::Error::other("there is nothing to send"))?;
            let pacer = Pacer::new(self.clock, rate)?;
            let worker = Worker::new(self.share(Guard::new(precedence, Arc::clone(&self.given_up))).await?, self.clock);
            worker.warm();
            let _ = ready.try_send(Ok(precedence));
            worker.run(pacer, self.orders, tell).await;
            Ok(())
        })
    }

    /// Asks for precedence for this thread, if the run wants it. A real-time thread on every core would leave none to
    /// the service, to the command and to lapse's own other threads, so that is never asked for.
    fn precedence(&self) -> Precedence {
        if self.settings.precedence { precedence::ask(self.of < cores()) } else { Precedence::None }
    }

    async fn share(&self, guard: Guard) -> io::Result<WorkerConfig> {
        let Settings { timeout, connect_timeout, slow, control: schedule, filling, .. } = *self.settings;
        let mut lanes = self.lanes()?;
        let control = (self.nth == 0).then_some(lanes.len());
        if control.is_some() {
            let target = health::respond().await?;
            let request = PreparedRequest::new(&target, LaneId(lanes.len()), filling);
            let lane = lane(&target, request, Policy::Reused, 1, connect_timeout)?;
            lanes.push(ThreadLane { lane, schedule, next: Cell::new(0), step: 1 });
        }
        let timing = Timing { timeout, connect_timeout, slow };
        let nth = usize::try_from(self.nth).unwrap_or(0);
        Ok(WorkerConfig { nth, lanes, control, timing, most_in_flight: self.most_in_flight, guard })
    }

    /// The thread's share of the lanes: the slots k with `k mod of = nth`.
    fn lanes(&self) -> io::Result<Vec<ThreadLane>> {
        let connections = self.settings.connections.div_ceil(usize::try_from(self.of).unwrap_or(1));
        let share = |(nth, own): (usize, &lane::Lane)| {
            let target =
                self.settings.targets.get(own.target.0).ok_or_else(|| io::Error::other("a lane has no target"))?;
            let request = PreparedRequest::new(target, LaneId(nth), self.settings.filling);
            let lane = lane(target, request, own.policy, connections, self.settings.connect_timeout)?;
            Ok(ThreadLane { lane, schedule: own.schedule, next: Cell::new(self.nth), step: self.of })
        };
        self.settings.lanes.iter().enumerate().map(share).collect()
    }
}

fn lane(
    target: &Target,
    request: PreparedRequest,
    policy: Policy,
    connections: usize,
    patience: Duration,
) -> io::Result<Lane> {
    let connector = Connector::new(target, patience).map_err(io::Error::other)?;
    Ok(Lane::new(policy, connector, request, connections))
}

// === impl Hammer ===

impl Hammer {
    /// The next results of slots. A batch may be empty but for its watermark. `None` once all slots have resolved.
    pub async fn next(&mut self) -> Option<Batch> {
        let HandedOn { thread, mut batch, redirects, addresses, slow } = self.arriving.recv().await?;
        self.redirects.extend(redirects);
        self.addresses.extend(addresses);
        self.slow.extend(slow);
        if let Some(mark) = self.marks.get_mut(thread) {
            *mark = batch.watermark.max(*mark);
        }
        batch.watermark = self.marks.iter().copied().min().unwrap_or(batch.watermark);
        Some(batch)
    }

    /// The redirects that the lanes met since this was last asked: of each lane its first that counts as healthy, once
    /// for each thread.
    pub fn take_redirects(&mut self) -> Vec<(LaneId, Redirect)> {
        std::mem::take(&mut self.redirects)
    }

    /// What came of the addresses of each lane's target, by thread; complete once all slots have resolved.
    pub fn take_addresses(&mut self) -> Vec<(LaneId, AddressTallies)> {
        std::mem::take(&mut self.addresses)
    }

    /// Where the slow answers of each lane spent their time, by thread; complete once all slots have resolved.
    pub fn take_slow(&mut self) -> Vec<(LaneId, SlowTally)> {
        std::mem::take(&mut self.slow)
    }

    /// The precedence that the threads were granted; if they differ, the weakest.
    pub const fn precedence(&self) -> Precedence {
        self.precedence
    }

    /// When the first thread gave its precedence up because it used too much of a core; `None` if none did.
    pub fn precedence_until(&self) -> Option<Offset> {
        self.given_up.at()
    }

    /// Sends no slot due at `at` or later. Probes under way may still resolve.
    pub fn stop(&self, at: Offset) {
        self.orders.stop(at);
    }

    /// Gives up the probes that are still under way after a stop.
    pub fn abandon(&self) {
        self.orders.abandon();
    }
}

impl Drop for Hammer {
    fn drop(&mut self) {
        self.orders.stop(Offset::ZERO);
        self.orders.abandon();
    }
}
