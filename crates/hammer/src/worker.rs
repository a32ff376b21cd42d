//! One thread of the engine: sends its share of the slots when they are due, and reports their results.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{spawn_local, yield_now};

use super::addresses::AddressTallies;
use super::alarm;
use super::clock::Clock;
use super::concurrency::Admission;
use super::deadline::{Deadline, Deadlines};
use super::idleness::Idleness;
use super::lane::Lane;
use super::named::Named;
use super::pacer::Pacer;
use super::precedence::Guard;
use super::redirect::Redirect;
use super::slowness::SlowTally;
use super::task_pool::TaskPool;
use super::template::Turn;
use super::trace::{Failed, Trace};
use lapse_measure::answer::{Class, Health, Probe, Unsent};
use lapse_measure::lane::LaneId;
use lapse_measure::schedule::Schedule;
use lapse_measure::time::Offset;
use lapse_record::batch::{Batch, ProbeRecord};

/// The interval at which resolved slots are handed on.
const HAND_ON: Duration = Duration::from_millis(40);
/// As many resolved slots are handed on at once at most. The thread that keeps their record may share a core with this
/// one: at a high rate, all of [`HAND_ON`] at once would keep it from sending for milliseconds.
const BATCH: usize = 1_000;
/// A slot picked up later than this is not sent any more, unless it is the newest: after a stall, a burst of old slots
/// would measure the burst.
const STALE: Duration = Duration::from_millis(100);
/// The maximum number of probes that wait for a task. Further ones would be sent later than they were picked up, so
/// their slots wait instead until the answers that arrived meanwhile have been read.
const BURST: usize = 32;
/// A slot that has waited for this long is not sent any more.
const WAIT: Duration = Duration::from_millis(50);
/// A wake-up later than this is a stall of this thread.
const STALL: Duration = Duration::from_millis(10);

/// The share of one thread, and its limits.
pub(super) struct WorkerConfig {
    /// The thread's number, from 0.
    pub(super) nth: usize,
    pub(super) lanes: Vec<ThreadLane>,
    /// The place of the control lane in `lanes`, on the one thread that has it.
    pub(super) control: Option<usize>,
    pub(super) timing: Timing,
    /// The maximum number of probes in flight.
    pub(super) most_in_flight: usize,
    pub(super) guard: Guard,
}

/// One thread's slots of a lane: every `step`-th.
pub(super) struct ThreadLane {
    pub(super) lane: Lane,
    pub(super) schedule: Schedule,
    /// The number of the next slot to send; at first, that of the thread's first one.
    pub(super) next: Cell<u64>,
    pub(super) step: u64,
}

/// The time limits of a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) slow: Duration,
}

/// The order to all threads to end.
#[derive(Debug)]
pub(super) struct StopSignal {
    /// The offset from which on no slot is sent, in nanoseconds.
    stop_at: AtomicU64,
    /// Whether probes in flight are abandoned.
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

/// What a thread hands on.
#[derive(Debug)]
pub(super) struct HandedOn {
    /// The number of the thread.
    pub(super) thread: usize,
    pub(super) batch: Batch,
    /// Redirects that are news, with the lane that met them.
    pub(super) redirects: Vec<(LaneId, Redirect)>,
    /// What came of the addresses of each lane's target, at the end of the run.
    pub(super) addresses: Vec<(LaneId, AddressTallies)>,
    /// Where the slow answers of each lane spent their time, at the end of the run.
    pub(super) slow: Vec<(LaneId, SlowTally)>,
}

/// A slot that is due.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The place of its lane among the thread's lanes.
    lane: usize,
    number: u64,
    due: Offset,
}

/// The state of one thread.
pub(super) struct Worker {
    share: WorkerConfig,
    clock: Clock,
    in_flight: Cell<usize>,
    /// Slots that wait for a task to send their probes.
    dispatched: TaskPool<Slot>,
    /// Whether late slots wait for probes in flight to end.
    waiting: Cell<bool>,
    deadlines: Deadlines,
    idleness: Idleness,
    /// The total time of this thread's stalls.
    stalled: Cell<Duration>,
    records: RefCell<Vec<ProbeRecord>>,
    controls: RefCell<Vec<Probe>>,
    /// The backends and versions that the resolved slots name.
    named: Named,
    /// The slow answers by lane.
    slow: RefCell<BTreeMap<LaneId, SlowTally>>,
}

impl Worker {
    pub(super) fn new(share: WorkerConfig, clock: Clock) -> Rc<Self> {
        let timing = share.timing;
        Rc::new(Self {
            share,
            clock,
            in_flight: Cell::new(0),
            dispatched: TaskPool::new(),
            waiting: Cell::new(false),
            deadlines: Deadlines::new(timing.connect_timeout, timing.timeout),
            idleness: Idleness::default(),
            stalled: Cell::new(Duration::ZERO),
            records: RefCell::default(),
            controls: RefCell::default(),
            named: Named::default(),
            slow: RefCell::default(),
        })
    }

    /// Opens the connections that each lane has before its first slot.
    pub(super) fn warm(self: &Rc<Self>) {
        for lane in 0..self.share.lanes.len() {
            for _ in 0..self.lane(lane).to_warm() {
                let worker = Rc::clone(self);
                spawn_local(async move {
                    let clock = worker.clock;
                    worker.lane(lane).warm(move || clock.now()).await;
                });
            }
        }
    }

    /// Sends the thread's slots until `orders` end the run and all probes in flight have resolved or are abandoned.
    pub(super) async fn run(self: Rc<Self>, pacer: Pacer, orders: Arc<StopSignal>, out: UnboundedSender<HandedOn>) {
        let (mut handed_on, mut passed) = (Offset::ZERO, Offset::ZERO);
        loop {
            let stop = orders.stop_at();
            let due = self.next_due();
            let sending = due < stop;
            let until = if sending { due.min(handed_on + HAND_ON) } else { handed_on + HAND_ON };
            // Without its timer the thread ends, which closes the channel and with it the run.
            let slept = if self.waiting.take() { pacer.nap().await } else { pacer.sleep(until).await };
            let Ok(late) = slept else { return };
            // While slots wait, the next due time lies in the past: only the lateness since the last pass is a stall.
            let late = late.min(self.clock.now().since(passed));
            if late > STALL {
                self.stalled.set(self.stalled.get() + late);
                // Answers that arrived during the stall are read before any probe is declared timed out.
                yield_now().await;
            }
            let now = self.clock.now();
            passed = now;
            self.send_due(now.min_before(orders.stop_at()));
            self.deadlines.sweep(now.back(self.stalled.get()));
            alarm::sweep(now);
            let over = !sending && (self.in_flight.get() == 0 || orders.is_abandoned());
            if over || now.since(handed_on) >= HAND_ON || self.records.borrow().len() >= BATCH {
                handed_on = now;
                self.share.guard.check(now);
                let gone = out.send(self.hand_on(orders.stop_at(), over)).is_err();
                if over || gone {
                    return;
                }
            }
        }
    }

    /// The due time of this thread's next slot.
    fn next_due(&self) -> Offset {
        let due = self.share.lanes.iter().map(|lane| lane.schedule.due(lane.next.get()));
        due.min().unwrap_or(Offset::from_nanos(u64::MAX))
    }

    /// Sends the slots that are due by `now`, inclusive.
    fn send_due(self: &Rc<Self>, now: Option<Offset>) {
        let Some(now) = now else { return };
        let idle = self.idleness.pass(now);
        for (place, ThreadLane { lane, schedule, next, step }) in self.share.lanes.iter().enumerate() {
            let end = schedule.slots_before(now + Duration::from_nanos(1));
            let mut idle = idle;
            while next.get() < end {
                let number = next.get();
                let slot = Slot { lane: place, number, due: schedule.due(number) };
                let (late, newer) = (now.since(slot.due), (end - number - 1) / step);
                let admission = if late > STALE && newer > 0 {
                    Admission::Drop(Unsent::Stall)
                } else if self.dispatched.waiting() >= BURST {
                    Admission::Wait
                } else {
                    let admission = lane.concurrency().admit(now, late, newer, std::mem::take(&mut idle));
                    self.waiting.set(self.waiting.get() || admission == Admission::Wait);
                    admission
                };
                if admission == Admission::Wait && late <= WAIT {
                    break;
                }
                next.set(number + step);
                match admission {
                    Admission::Send { sets_level } => self.dispatch(slot, sets_level),
                    Admission::Drop(why) => self.drop_slot(slot, why),
                    // The slot has waited for too long.
                    Admission::Wait => self.drop_slot(slot, Unsent::Stall),
                }
            }
        }
    }

    fn lane(&self, place: usize) -> &Lane {
        &self.share.lanes[place].lane
    }

    fn drop_slot(&self, slot: Slot, why: Unsent) {
        self.resolve(slot, &Trace::new(), Err(Failed::new(Class::NotSent(why), "")));
    }

    fn dispatch(self: &Rc<Self>, slot: Slot, sets_level: bool) {
        if self.in_flight.get() >= self.share.most_in_flight {
            return self.drop_slot(slot, Unsent::InFlightLimit);
        }
        self.in_flight.set(self.in_flight.get() + 1);
        self.lane(slot.lane).concurrency().begin(self.clock.now(), sets_level);
        if !self.dispatched.push(slot) {
            spawn_local(Rc::clone(self).serve());
        }
    }

    async fn serve(self: Rc<Self>) {
        // One task sends many probes, so that these allocate nothing.
        let (mut trace, deadline) = (Trace::new(), Rc::default());
        while let Some(slot) = self.dispatched.next().await {
            trace = trace.again();
            self.probe(slot, &trace, &deadline).await;
        }
    }

    async fn probe(&self, slot: Slot, trace: &Trace, deadline: &Rc<Deadline>) {
        let clock = self.clock;
        self.deadlines.begin(deadline, clock.now().back(self.stalled.get()));
        // Pinned here: as an argument, the future would take its size in this task twice and be moved for each probe.
        let turn = Turn { slot: slot.number, due: slot.due };
        let mut send = pin!(self.lane(slot.lane).send(turn, trace, move || clock.now(), || deadline.connected()));
        let watched = pin!(poll_fn(|cx| {
            self.idleness.poll();
            send.as_mut().poll(cx)
        }));
        let result = deadline.bound(watched).await;
        self.in_flight.set(self.in_flight.get() - 1);
        self.lane(slot.lane).concurrency().end();
        match result {
            Some(result) => self.resolve(slot, trace, result),
            None => self.resolve_timed_out(slot, trace),
        }
    }

    fn resolve(&self, slot: Slot, trace: &Trace, result: Result<(), Failed>) {
        let done = self.clock.now();
        let class = match &result {
            Ok(()) if done.since(slot.due) > self.share.timing.slow => {
                self.slow.borrow_mut().entry(LaneId(slot.lane)).or_default().count(trace, done);
                Class::Slow
            }
            Ok(()) => Class::Ok,
            Err(failed) => failed.class,
        };
        let detail = result.err().map(|failed| failed.detail).unwrap_or_default();
        self.record(slot, probe(slot, trace, done, class), trace, detail);
    }

    fn resolve_timed_out(&self, slot: Slot, trace: &Trace) {
        let failed = trace.timed_out();
        let probe = Probe { timed_out: true, ..probe(slot, trace, self.clock.now(), failed.class) };
        self.record(slot, probe, trace, failed.detail);
    }

    fn record(&self, Slot { lane, .. }: Slot, probe: Probe, trace: &Trace, detail: String) {
        if self.share.control == Some(lane) {
            self.controls.borrow_mut().push(probe);
            return;
        }
        if let Some(backend) = trace.answered_by() {
            self.named.count(backend, probe.done);
        }
        let failed = probe.class.health() == Health::Failed;
        let evidence = failed.then(|| Box::new(trace.evidence(detail)));
        let version = trace.take_version().map(|version| self.named.place(version));
        self.records.borrow_mut().push(ProbeRecord { lane: LaneId(lane), probe, evidence, version });
    }

    /// Takes the resolved slots; the next batch will need about as much room.
    fn take_records(&self) -> Vec<ProbeRecord> {
        let room = self.records.borrow().len();
        self.records.replace(Vec::with_capacity(room + room / 4))
    }

    fn hand_on(&self, stop: Offset, over: bool) -> HandedOn {
        let lanes = || self.share.lanes.iter().enumerate().map(|(nth, share)| (LaneId(nth), &share.lane));
        let redirects = lanes().filter_map(|(id, lane)| Some((id, lane.take_redirect()?))).collect();
        let addresses = lanes().filter(|_| over).map(|(id, lane)| (id, lane.take_addresses())).collect();
        let slow = if over { self.slow.take().into_iter().collect() } else { Vec::new() };
        HandedOn { thread: self.share.nth, batch: self.batch(stop), redirects, addresses, slow }
    }

    fn batch(&self, stop: Offset) -> Batch {
        Batch {
            watermark: self.next_due().min(stop),
            records: self.take_records(),
            controls: self.controls.take(),
            served: self.named.take_served(),
            versions: self.named.take_versions(),
        }
    }
}

fn probe(Slot { number: slot, due, .. }: Slot, trace: &Trace, done: Offset, class: Class) -> Probe {
    let sent = trace.sent.get().unwrap_or(done);
    let (connection, reconnects) = (trace.connection.get(), trace.reconnects.get());
    Probe { slot, due, sent, done, class, timed_out: false, connection, reconnects }
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
