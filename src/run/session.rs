//! Executes a prepared run: its phases, in one loop over all that can happen.

mod early_end;
mod ending;
mod heed;
mod lost;
mod parts;
mod view;

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use self::early_end::EarlyEnd;
pub(super) use self::parts::Parts;
use super::activity::{self, Order, ReadyActivity, RunningActivity};
use super::live::{Live, STEP};
use super::prober;
use super::rollout::Rollout;
use super::steering::Request;
use super::wait_up::Waited;
use crate::progress::Progress;
use lapse_cluster::WatchUpdate;
use lapse_measure::held::Stream;
use lapse_measure::lane::TargetId;
use lapse_measure::phase::Phase;
use lapse_measure::time::{Human, Offset};
use lapse_record::entry::Entry;
use lapse_record::entry::Exit;
use lapse_record::event::{Event, EventKind, Source};
use lapse_record::record::Record;

/// The time that probes in flight get after an interruption, or at an early end.
const HURRY: Duration = Duration::from_secs(1);

/// An input of the session's loop.
enum Input {
    /// A report of the prober; `None` once all slots have resolved.
    Prober(Option<prober::Update>),
    /// An update of the activity.
    Activity(activity::ActivityUpdate),
    /// An event of the scenario's world.
    World(Event),
    /// What happened to a header that is read anew.
    Header(EventKind, String),
    /// An update of the cluster.
    Cluster(WatchUpdate),
    /// A held stream that ended.
    Stream(TargetId, Stream),
    /// A request from outside of the run.
    Request(Request),
    /// The periodic tick.
    Tick,
}

/// The stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the event.
    Baseline,
    /// The activity is running.
    Event,
    /// The activity ended at that offset; the rollout that it started has not.
    Rollout(Offset),
    /// The event ended at that offset.
    Settle(Offset),
    /// No more slots are due; those in flight have until that offset.
    Drain(Offset),
}

/// A run in progress.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    parts: Parts,
    activity: Option<ReadyActivity>,
    running: Option<RunningActivity>,
    progress: &'a mut Progress,
    live: Live,
    stage: Stage,
    stage_began: Offset,
    ends_at: Option<Offset>,
    signals_seen: u32,
    early: EarlyEnd,
    prober_lost: bool,
    journal_failed: bool,
}

impl<'a> Session<'a> {
    /// A session in which `activity` begins when the event does.
    pub(crate) fn new(parts: Parts, activity: ReadyActivity, progress: &'a mut Progress) -> Self {
        Self {
            parts,
            activity: Some(activity),
            running: None,
            progress,
            live: Live::default(),
            stage: Stage::Baseline,
            stage_began: Offset::ZERO,
            ends_at: None,
            signals_seen: 0,
            early: EarlyEnd::default(),
            prober_lost: false,
            journal_failed: false,
        }
    }

    /// Runs the session to its end and returns the record.
    pub(crate) async fn run(mut self) -> Record {
        let mut ticks = interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        if let Some(rollout) = &self.parts.rollout {
            let text = rollout.scope().to_owned();
            self.take(Entry::Event(Event::new(Offset::ZERO, Source::Kubernetes, EventKind::Watching, text)));
        }
        self.begin();
        loop {
            match self.next(&mut ticks).await {
                Input::Prober(Some(update)) => self.take_update(update),
                Input::Prober(None) => break,
                Input::Activity(update) => self.follow(update),
                Input::World(event) | Input::Cluster(WatchUpdate::Event(event)) => {
                    self.take(Entry::Event(event));
                }
                Input::Cluster(WatchUpdate::Warning(text)) => self.say(&text),
                Input::Cluster(WatchUpdate::Status(_) | WatchUpdate::Pods(_)) => {
                    self.look_at_rollout(self.parts.clock.now());
                }
                Input::Header(kind, text) => {
                    let event = Event::new(self.parts.clock.now(), Source::Prober, kind, text);
                    self.take(Entry::Event(event));
                }
                Input::Stream(target, stream) => self.take(Entry::Stream(target, stream)),
                Input::Request(request) => self.heed(request),
                Input::Tick => self.tick(),
            }
        }
        for (target, stream) in self.parts.held.rest().await {
            self.take(Entry::Stream(target, stream));
        }
        self.finish().await
    }

    /// Begins the first phase; ends the run at once if waiting for the targets came to nothing.
    fn begin(&mut self) {
        let waited = self.parts.waited.take();
        if let Some(said) = waited.as_ref().and_then(Waited::said) {
            self.take(Entry::Event(Event::new(Offset::ZERO, Source::Prober, EventKind::WaitedUp, said)));
        }
        let first = if self.parts.durations.is_some() { Phase::Baseline } else { Phase::Event };
        match waited {
            Some(Waited::Down(why)) => {
                self.enter(first, Stage::Baseline, Offset::ZERO);
                self.take(Entry::Doubt(why));
                self.drain(Offset::ZERO);
            }
            Some(Waited::Ended(signal, why)) => {
                self.enter(first, Stage::Baseline, Offset::ZERO);
                self.interrupt(signal, &why);
            }
            None | Some(Waited::Up(_)) if first == Phase::Event => self.begin_event(Offset::ZERO),
            None | Some(Waited::Up(_)) => self.enter(first, Stage::Baseline, Offset::ZERO),
        }
        if let Some(end) = self.parts.end {
            self.stop(end);
        }
    }

    async fn next(&mut self, ticks: &mut Interval) -> Input {
        let activity = async {
            match &mut self.running {
                Some(running) => running.next().await,
                None => std::future::pending().await,
            }
        };
        let world = async {
            match &mut self.parts.world {
                Some(world) => world.recv().await,
                None => None,
            }
        };
        let cluster = async {
            match &mut self.parts.rollout {
                Some(rollout) => rollout.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            request = self.parts.steering.next() => Input::Request(request),
            update = activity => Input::Activity(update),
            Some(event) = world => Input::World(event),
            (kind, text) = self.parts.fresh.next() => Input::Header(kind, text),
            told = cluster => Input::Cluster(told),
            (target, stream) = self.parts.held.next() => Input::Stream(target, stream),
            update = self.parts.prober.next() => Input::Prober(update),
            _ = ticks.tick() => Input::Tick,
        }
    }

    fn take_update(&mut self, update: prober::Update) {
        match update {
            prober::Update::Batch(batch) => {
                self.live.push(&batch);
                self.take(Entry::Batch(batch));
            }
            prober::Update::Event(event) => self.take(Entry::Event(event)),
            prober::Update::Said(text) => self.progress.say(&text),
            prober::Update::Lost(why) => self.lose_the_prober(&why),
        }
    }

    fn follow(&mut self, update: activity::ActivityUpdate) {
        match update {
            activity::ActivityUpdate::Act(name, at) => self.take(Entry::Act(name, at)),
            activity::ActivityUpdate::Event(event) => self.take(Entry::Event(event)),
            activity::ActivityUpdate::Exit(exit) => {
                let text = match (exit.code, exit.signal) {
                    (Some(code), _) => format!("exit code {code}"),
                    (None, Some(signal)) => format!("ended by signal {signal}"),
                    (None, None) => "ended".to_owned(),
                };
                self.take(Entry::Event(Event::new(exit.at, Source::Command, EventKind::Exited, text)));
                self.take(Entry::Exit(exit));
            }
            activity::ActivityUpdate::Overdue(why) => self.take(Entry::Doubt(why)),
            activity::ActivityUpdate::Done => {
                self.running = None;
                self.event_is_over();
            }
        }
    }

    fn event_is_over(&mut self) {
        let now = self.parts.clock.now();
        match self.stage {
            Stage::Event if self.is_over_with_the_event() => self.drain(now),
            Stage::Event => {
                self.stage = Stage::Rollout(now);
                if let Some(rollout) = &mut self.parts.rollout {
                    rollout.command_ended();
                }
                self.look_at_rollout(now);
            }
            Stage::Baseline | Stage::Rollout(_) | Stage::Settle(_) | Stage::Drain(_) => {}
        }
    }

    /// Whether nothing of the run follows the event.
    const fn is_over_with_the_event(&self) -> bool {
        self.signals_seen > 0 || self.early.has_come() || self.prober_lost || self.parts.durations.is_none()
    }

    /// Ends the event once the rollout is complete: a command may return long before.
    fn look_at_rollout(&mut self, now: Offset) {
        let (Stage::Rollout(since), Some(durations)) = (self.stage, self.parts.durations) else { return };
        let rollout = self.parts.rollout.as_ref();
        let over = rollout.is_none_or(Rollout::is_over);
        let stalled = !over && now.since(since) >= durations.settle_limit;
        if !over && !stalled {
            return;
        }
        let missing = rollout.filter(|_| stalled).map(Rollout::missing);
        if let Some(doubt) = rollout.and_then(Rollout::noop) {
            self.take(Entry::Doubt(doubt));
        } else if let Some(missing) = missing {
            let limit = Human(durations.settle_limit);
            let text = format!("the rollout was not complete {limit} after the command had ended: {missing}");
            self.take(Entry::Event(Event::new(now, Source::Kubernetes, EventKind::RolloutStalled, text.clone())));
            self.take(Entry::Doubt(text));
        }
        self.enter(Phase::Settle, Stage::Settle(now), now);
    }

    /// Enters the next stage if it is time for that.
    fn tick(&mut self) {
        let now = self.parts.clock.now();
        match (self.stage, self.parts.durations) {
            (Stage::Baseline, Some(durations)) if now >= Offset::ZERO + durations.baseline => {
                self.begin_event(now);
            }
            (Stage::Rollout(_), _) => self.look_at_rollout(now),
            (Stage::Settle(since), Some(durations)) => {
                let settled = self.parts.recorder.fold().is_settled(since, durations.settle);
                if settled || now.since(since) >= durations.settle_limit {
                    self.drain(now);
                }
            }
            (Stage::Drain(until), _) if now >= until => self.parts.prober.abandon(),
            _ => {}
        }
        self.look_for_breach(now);
        self.show(now);
    }

    fn begin_event(&mut self, now: Offset) {
        self.enter(Phase::Event, Stage::Event, now);
        if let Some(rollout) = &mut self.parts.rollout {
            rollout.event_begins();
        }
        let Some(activity) = self.activity.take() else { return };
        self.take(Entry::Started(self.parts.clock.now()));
        match activity.begin(self.parts.clock) {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                let why = format!("{:#}", anyhow::Error::new(error));
                let at = self.parts.clock.now();
                self.take(Entry::Event(Event::new(at, Source::Command, EventKind::NotStarted, why)));
                self.take(Entry::Exit(Exit { at, code: None, signal: None }));
                self.event_is_over();
            }
        }
    }

    fn enter(&mut self, phase: Phase, stage: Stage, at: Offset) {
        self.take(Entry::Phase(phase, at));
        (self.stage, self.stage_began) = (stage, at);
    }

    /// Sends no slot after `now`, and waits for those in flight.
    fn drain(&mut self, now: Offset) {
        if !matches!(self.stage, Stage::Drain(_)) {
            self.stop(now);
            let patience =
                if self.signals_seen > 0 || self.early.has_come() { HURRY } else { self.parts.timeout + HURRY };
            (self.stage, self.stage_began) = (Stage::Drain(now + patience), now);
        }
    }

    /// Sends no slot that is due at `at` or later.
    fn stop(&mut self, at: Offset) {
        let at = self.parts.prober.stop(at);
        self.ends_at = Some(self.ends_at.map_or(at, |end| end.min(at)));
        self.parts.held.stop(at);
    }

    /// Adds an entry, first to the journal, which survives this process. A write error is reported once; the run goes
    /// on, and its record is complete as long as the process lives.
    fn take(&mut self, entry: Entry) {
        if !self.journal_failed
            && let Err(error) = self.parts.journal.append(&entry)
        {
            self.journal_failed = true;
            self.say(&format!(
                "the journal cannot be written any more ({error}): if this run is killed, the rest is lost"
            ));
            let doubt = format!("the journal could not be written to its end ({error}): no report can be made again");
            // Not in the journal, which cannot be written: a later report from it lacks this doubt.
            let _ = self.parts.recorder.take(Entry::Doubt(doubt));
        }
        if let Err(misfit) = self.parts.recorder.take(entry) {
            self.say(&format!("a record was left out: {misfit}"));
        }
    }

    fn say(&mut self, text: &str) {
        let now = self.parts.clock.now();
        self.progress.say(text);
        // Not in the journal: the warning may be that the journal cannot be written.
        let _ = self.parts.recorder.take(Entry::Event(Event::new(now, Source::Prober, EventKind::Warning, text)));
    }
}
