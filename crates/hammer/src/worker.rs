//! One thread of the engine: sends the slots that are its share when they are due, and says what became of them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{spawn_local, yield_now};

use super::clock::Clock;
use super::concurrency::Admission;
use super::deadline::Deadlines;
use super::lane::Lane;
use super::pacer::Pacer;
use super::precedence::Guard;
use super::task_pool::TaskPool;
use super::trace::{Failed, Trace};
use lapse_measure::answer::{Class, Health, Probe, Unsent};
use lapse_measure::lane::LaneId;
use lapse_measure::schedule::Schedule;
use lapse_measure::time::Offset;
use lapse_record::batch::{Batch, ProbeRecord, Served};

/// How often what resolved is handed on.
const HAND_ON: Duration = Duration::from_millis(40);
/// A slot picked up later than this is not sent any more, unless it is the newest: after a stall, a burst
/// of old slots would measure the burst.
const STALE: Duration = Duration::from_millis(100);
/// Probes that wait for their task at most. More would be sent later than they were picked up; their slots wait instead,
/// and are picked up once what came in meanwhile has been read.
const BURST: usize = 32;
/// A slot that has waited for this long is not sent any more.
const WAIT: Duration = Duration::from_millis(50);
/// As many backends are told apart in one batch.
const BACKENDS: usize = 1_000;
/// The longest pass of the loop that counts as idle time: a longer one was interrupted.
const IDLE_PASS: Duration = Duration::from_micros(200);
/// A wake-up later than this is a stall of ours.
const STALL: Duration = Duration::from_millis(10);

/// What one thread has to do.
pub(super) struct WorkerConfig {
    /// Which one it is, and of how many: it sends the slots k with `k mod of = nth`.
    pub(super) nth: u64,
    pub(super) of: u64,
    /// The lanes, with their schedules; the control lane is the last one, if it is this thread's.
    pub(super) lanes: Vec<(Lane, Schedule)>,
    /// Whether the last lane is the control lane.
    pub(super) control: Option<usize>,
    pub(super) timing: Timing,
    /// Probes that may be under way.
    pub(super) most_in_flight: usize,
    pub(super) guard: Guard,
}

/// What a probe is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) slow: Duration,
}

/// What the threads are told.
#[derive(Debug)]
pub(super) struct StopSignal {
    /// No slot due from here on is sent, in nanoseconds.
    stop_at: AtomicU64,
    abandon: AtomicBool,
}

impl StopSignal {
    pub(super) fn new() -> Self {
        Self { stop_at: AtomicU64::new(u64::MAX), abandon: AtomicBool::new(false) }
    }

    pub(super) fn stop(&self, at: Offset) {
        self.stop_at.fetch_min(at.as_nanos(), Ordering::Relaxed);
    }

    pub(super) fn abandon(&self) {
        self.abandon.store(true, Ordering::Relaxed);
    }

    fn stop_at(&self) -> Offset {
        Offset::from_nanos(self.stop_at.load(Ordering::Relaxed))
    }

    fn is_abandoned(&self) -> bool {
        self.abandon.load(Ordering::Relaxed)
    }
}

/// A slot whose probe is to begin.
#[derive(Clone, Copy, Debug)]
struct Dispatched {
    lane: usize,
    slot: u64,
    due: Offset,
}

/// Passes of the loop since a probe last did anything: of two in a row the second finds nothing left to do, since what
/// the sockets had to say before the first has been handled by then.
#[derive(Debug, Default)]
struct Idleness {
    /// How often any probe was polled.
    polls: Cell<u64>,
    /// That count at the last pass, when that was, and whether it was the same at the one before.
    last: Cell<(u64, Offset, bool)>,
}

/// A thread at work.
pub(super) struct Worker {
    share: WorkerConfig,
    clock: Clock,
    /// The next slot of each lane.
    next: RefCell<Vec<u64>>,
    in_flight: Cell<usize>,
    dispatched: TaskPool<Dispatched>,
    /// Whether slots that are late wait for others to end.
    waiting: Cell<bool>,
    deadlines: Deadlines,
    idleness: Idleness,
    /// Time in which this thread did not run.
    stalled: Cell<Duration>,
    records: RefCell<Vec<ProbeRecord>>,
    controls: RefCell<Vec<Probe>>,
    /// Who answered how often, and when last.
    served: RefCell<BTreeMap<HeaderValue, (u64, Offset)>>,
}

impl Worker {
    pub(super) fn new(share: WorkerConfig, clock: Clock) -> Rc<Self> {
        let next = RefCell::new(share.lanes.iter().enumerate().map(|(lane, _)| share.first(lane)).collect());
        let timing = share.timing;
        Rc::new(Self {
            share,
            clock,
            next,
            in_flight: Cell::new(0),
            dispatched: TaskPool::new(),
            waiting: Cell::new(false),
            deadlines: Deadlines::new(timing.connect_timeout, timing.timeout),
            idleness: Idleness::default(),
            stalled: Cell::new(Duration::ZERO),
            records: RefCell::default(),
            controls: RefCell::default(),
            served: RefCell::default(),
        })
    }

    /// Opens the connections that the lanes are to have before their first slots.
    pub(super) fn warm(self: &Rc<Self>) {
        for lane in 0..self.share.lanes.len() {
            for _ in 0..self.share.lanes[lane].0.to_warm() {
                let worker = Rc::clone(self);
                spawn_local(async move {
                    let clock = worker.clock;
                    worker.share.lanes[lane].0.warm(move || clock.now()).await;
                });
            }
        }
    }

    /// Works until it is told to stop and everything under way has come home, or is abandoned.
    pub(super) async fn run(
        self: Rc<Self>,
        pacer: Pacer,
        orders: Arc<StopSignal>,
        out: UnboundedSender<(usize, Batch)>,
    ) {
        let nth = usize::try_from(self.share.nth).unwrap_or(0);
        let (mut handed_on, mut passed) = (Offset::ZERO, Offset::ZERO);
        loop {
            let stop = orders.stop_at();
            let due = self.next_due();
            let sending = due < stop;
            let until = if sending { due.min(handed_on + HAND_ON) } else { handed_on + HAND_ON };
            // Without a timer there is no pace: the channel closes, and the session sees the run end.
            let slept = if self.waiting.take() { pacer.nap().await } else { pacer.sleep(until).await };
            let Ok(late) = slept else { return };
            // While slots wait, the next due time lies in the past: only what is late since the last pass was a stall.
            let late = late.min(self.clock.now().since(passed));
            if late > STALL {
                self.stalled.set(self.stalled.get() + late);
                // What came in meanwhile is read before anything is called too late.
                yield_now().await;
            }
            let now = self.clock.now();
            passed = now;
            self.send_due(now.min_before(orders.stop_at()));
            self.deadlines.sweep(now.back(self.stalled.get()));
            let over = !sending && (self.in_flight.get() == 0 || orders.is_abandoned());
            if over || now.since(handed_on) >= HAND_ON {
                handed_on = now;
                self.share.guard.check(now);
                let gone = out.send((nth, self.batch(orders.stop_at()))).is_err();
                if over || gone {
                    return;
                }
            }
        }
    }

    /// When this thread's next slot is due.
    fn next_due(&self) -> Offset {
        let next = self.next.borrow();
        let due = self.share.lanes.iter().zip(next.iter()).map(|((_, schedule), slot)| schedule.due(*slot));
        due.min().unwrap_or(Offset::from_nanos(u64::MAX))
    }

    /// Sends what is due by `now`, inclusive.
    fn send_due(self: &Rc<Self>, now: Option<Offset>) {
        let Some(now) = now else { return };
        let idle = self.idleness.pass(now);
        for lane in 0..self.share.lanes.len() {
            let (kept, schedule) = &self.share.lanes[lane];
            let end = schedule.slots_before(now + Duration::from_nanos(1));
            let step = self.share.step(lane);
            let mut idle = idle;
            loop {
                let slot = self.next.borrow()[lane];
                if slot >= end {
                    break;
                }
                let (late, newer) = (now.since(schedule.due(slot)), (end - slot - 1) / step);
                let admission = if late > STALE && newer > 0 {
                    Admission::Drop(Unsent::Stall)
                } else if self.dispatched.waiting() >= BURST {
                    Admission::Wait
                } else {
                    let admission = kept.concurrency().admit(now, late, newer, std::mem::take(&mut idle));
                    self.waiting.set(self.waiting.get() || admission == Admission::Wait);
                    admission
                };
                if admission == Admission::Wait && late <= WAIT {
                    break;
                }
                self.next.borrow_mut()[lane] = slot + step;
                match admission {
                    Admission::Send { sets_level } => self.dispatch(lane, slot, sets_level),
                    Admission::Drop(why) => self.drop_slot(lane, slot, why),
                    // It has waited for too long.
                    Admission::Wait => self.drop_slot(lane, slot, Unsent::Stall),
                }
            }
        }
    }

    fn drop_slot(&self, lane: usize, slot: u64, why: Unsent) {
        let due = self.share.lanes[lane].1.due(slot);
        self.resolve(lane, (slot, due), &Trace::new(), Err(Failed::new(Class::NotSent(why), "")));
    }

    fn dispatch(self: &Rc<Self>, lane: usize, slot: u64, sets_level: bool) {
        if self.in_flight.get() >= self.share.most_in_flight {
            return self.drop_slot(lane, slot, Unsent::InFlightLimit);
        }
        let (kept, schedule) = &self.share.lanes[lane];
        self.in_flight.set(self.in_flight.get() + 1);
        kept.concurrency().begin(self.clock.now(), sets_level);
        if !self.dispatched.push(Dispatched { lane, slot, due: schedule.due(slot) }) {
            spawn_local(Rc::clone(self).serve());
        }
    }

    async fn serve(self: Rc<Self>) {
        while let Some(dispatched) = self.dispatched.next().await {
            self.probe(dispatched).await;
        }
    }

    async fn probe(&self, Dispatched { lane, slot, due }: Dispatched) {
        let trace = Trace::new();
        let (clock, deadline) = (self.clock, self.deadlines.begin(self.clock.now().back(self.stalled.get())));
        // Pinned here: as an argument it would lie in this task twice, and be moved once more for each probe.
        let mut send = pin!(self.share.lanes[lane].0.send(&trace, move || clock.now(), || deadline.connected()));
        let watched = pin!(poll_fn(|cx| {
            self.idleness.poll();
            send.as_mut().poll(cx)
        }));
        let result = deadline.bound(watched).await;
        self.in_flight.set(self.in_flight.get() - 1);
        self.share.lanes[lane].0.concurrency().end();
        match result {
            Some(result) => self.resolve(lane, (slot, due), &trace, result),
            None => self.resolve_timed_out(lane, (slot, due), &trace),
        }
    }

    fn resolve(&self, lane: usize, slot: (u64, Offset), trace: &Trace, result: Result<(), Failed>) {
        let done = self.clock.now();
        let class = match &result {
            Ok(()) if done.since(slot.1) > self.share.timing.slow => Class::Slow,
            Ok(()) => Class::Ok,
            Err(failed) => failed.class,
        };
        let detail = result.err().map(|failed| failed.detail).unwrap_or_default();
        self.record(lane, probe(slot, trace, done, class), trace, detail);
    }

    fn resolve_timed_out(&self, lane: usize, slot: (u64, Offset), trace: &Trace) {
        let failed = trace.timed_out();
        let probe = Probe { timed_out: true, ..probe(slot, trace, self.clock.now(), failed.class) };
        self.record(lane, probe, trace, failed.detail);
    }

    fn record(&self, lane: usize, probe: Probe, trace: &Trace, detail: String) {
        if self.share.control == Some(lane) {
            self.controls.borrow_mut().push(probe);
            return;
        }
        if let Some(backend) = trace.answered_by() {
            self.count(backend, probe.done);
        }
        let failed = probe.class.health() == Health::Failed;
        let evidence = failed.then(|| Box::new(trace.evidence(detail)));
        self.records.borrow_mut().push(ProbeRecord { lane: LaneId(lane), probe, evidence });
    }

    /// Counts an answer of `backend`. Who gives each answer another name names nobody.
    fn count(&self, backend: HeaderValue, done: Offset) {
        let mut served = self.served.borrow_mut();
        if served.len() < BACKENDS || served.contains_key(&backend) {
            let (times, last) = served.entry(backend).or_insert((0, done));
            (*times, *last) = (*times + 1, done.max(*last));
        }
    }

    /// What has resolved; the next batch will need about as much room.
    fn take_records(&self) -> Vec<ProbeRecord> {
        let room = self.records.borrow().len();
        self.records.replace(Vec::with_capacity(room + room / 4))
    }

    fn batch(&self, stop: Offset) -> Batch {
        let name = |backend: HeaderValue| String::from_utf8_lossy(backend.as_bytes()).into_owned();
        let served = self.served.take().into_iter();
        Batch {
            watermark: self.next_due().min(stop),
            records: self.take_records(),
            controls: self.controls.take(),
            served: served.map(|(backend, (times, last))| Served { backend: name(backend), times, last }).collect(),
        }
    }
}

fn probe((slot, due): (u64, Offset), trace: &Trace, done: Offset, class: Class) -> Probe {
    let sent = trace.sent.get().unwrap_or(done);
    let (connection, reconnects) = (trace.connection.get(), trace.reconnects.get());
    Probe { slot, due, sent, done, class, timed_out: false, connection, reconnects }
}

// === impl Idleness ===

impl Idleness {
    fn poll(&self) {
        self.polls.set(self.polls.get() + 1);
    }

    /// A pass of the loop at `now`: how long the thread had nothing to do since the last one.
    fn pass(&self, now: Offset) -> Duration {
        let (polls, (last, at, calm)) = (self.polls.get(), self.last.get());
        let idle = polls == last;
        self.last.set((polls, now, idle));
        if idle && calm { now.since(at).min(IDLE_PASS) } else { Duration::ZERO }
    }
}

// === impl WorkerConfig ===

impl WorkerConfig {
    /// The control lane is one thread's alone; the others are shared out slot by slot.
    fn first(&self, lane: usize) -> u64 {
        if self.control == Some(lane) { 0 } else { self.nth }
    }

    fn step(&self, lane: usize) -> u64 {
        if self.control == Some(lane) { 1 } else { self.of }
    }
}

/// The latest instant up to `now` that lies before `stop`.
trait Before {
    fn min_before(self, stop: Offset) -> Option<Offset>;
}

impl Before for Offset {
    fn min_before(self, stop: Offset) -> Option<Offset> {
        let last = stop.as_nanos().checked_sub(1)?;
        Some(self.min(Offset::from_nanos(last)))
    }
}
