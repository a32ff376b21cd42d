//! A prober elsewhere, as the run at home sees it: it is told what to send, its reports are taken, and its clock is
//! compared with the one here all the while.
//!
//! The prober counts offsets from its own clock's reading of the run's start, so its times are those of the run but for
//! the error of that reading, and durations between its probes are its own clock's alone.

mod connected;

use std::io;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

pub(crate) use self::connected::Connected;
use super::message::{Answer, Request};
use super::order::Order;
pub(crate) use super::transport::Place;
use super::{Closing, Update, transport};
use crate::run::check::Checked;
use crate::run::wait_up::Waited;
use lapse_cluster::prober_job::{JobError, ProberJob};
use lapse_hammer::clock::{Clock, monotonic};
use lapse_measure::clocks::ClockOffset;
use lapse_measure::lane::Lane;
use lapse_measure::schedule::Schedule;
use lapse_measure::time::{Human, Offset};
use lapse_record::batch::Batch;
use lapse_record::entry::{End, Entry, RunHeader};
use lapse_record::event::EventKind;
use lapse_record::journal::connection::{EncodedEntry, Frame};

/// The time between two comparisons of the clocks while the prober is made ready, and during the run.
const SOON: Duration = Duration::from_millis(50);
const EACH: Duration = Duration::from_secs(1);
/// The comparisons before the run, and those after it.
const BEFORE: usize = 8;
const AFTER: usize = 4;
/// A prober that is silent for longer is lost: it answers each comparison.
const SILENCE: Duration = Duration::from_secs(15);
/// The time from the order to begin to the first slot, beside four round trips.
const RUN_UP: Duration = Duration::from_millis(500);

/// Where a prober is, and what it is to send.
#[derive(Clone, Debug)]
pub(crate) struct ElsewherePlan {
    /// Where it is.
    pub place: Place,
    /// What it is to send.
    pub order: Order,
}

/// Why there is no prober elsewhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command cannot be started.
    #[error("cannot start {program:?}, which --prober names: check that it can be found and run")]
    Start {
        /// The program.
        program: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The prober has no stdin or no stdout.
    #[error("the prober has no streams: give --prober a command such as 'ssh HOST lapse prober'")]
    NoStreams,
    /// The Job cannot be made, or does not run.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The order cannot be sent.
    #[error("cannot send the prober its order")]
    Order(#[source] io::Error),
    /// The prober is of another version.
    #[error(
        "the prober {described} is lapse {there} and this is lapse {here}: they must be of one version; install {here} \
         there, or name its image with --in-cluster-image"
    )]
    Version {
        /// The prober.
        described: String,
        /// The version here.
        here: &'static str,
        /// The version there.
        there: String,
    },
    /// The prober cannot do what it is to do.
    #[error("the prober {described} refuses: {why}")]
    Refused {
        /// The prober.
        described: String,
        /// What it says.
        why: String,
    },
    /// The connection ended before the run began.
    #[error("the prober {described} was lost before the run began: {why}")]
    Lost {
        /// The prober.
        described: String,
        /// What is known of that.
        why: String,
    },
    /// The clocks cannot be compared.
    #[error(
        "the clock of the prober {described} cannot be compared with the one here: its answers contradict one another"
    )]
    Clock {
        /// The prober.
        described: String,
    },
}

/// What a prober found before the run.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The connection to it.
    pub connected: Connected,
    /// What each target answered.
    pub checked: Vec<Checked>,
    /// What came of waiting for the targets, if that was asked for.
    pub waited: Option<Waited>,
}

/// Starts a prober and has it check its targets. A Job is left in `job`, for the caller to delete.
pub(crate) async fn open(plan: ElsewherePlan, job: &mut Option<ProberJob>) -> Result<Opened, Error> {
    let mut connected = Connected::over(transport::open(plan.place, job).await?);
    connected.send(&Request::Plan(plan.order)).map_err(Error::Order)?;
    let (mut ticks, mut ticked, mut found) = (interval(SOON), 0_usize, None);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let frame = tokio::select! {
            frame = connected.next() => frame.map_err(|why| connected.lost(why))?,
            _ = ticks.tick() => {
                // The clocks are compared often at first, and then as during the run.
                if ticked < 2 * BEFORE || ticked.is_multiple_of(20) {
                    connected.ask_time();
                }
                ticked = ticked.saturating_add(1);
                connected.silent_for(SILENCE).map_err(|why| connected.lost(why))?;
                None
            }
        };
        match frame.and_then(|frame| answer(&frame)) {
            Some(Answer::Refused { version, why }) => return Err(connected.refused(version, why)),
            Some(Answer::Checked { targets, waited }) => {
                found = Some((targets.into_iter().map(Checked::from).collect(), waited.map(Waited::from)));
            }
            Some(Answer::Time { .. } | Answer::Said { .. }) | None => {}
        }
        if connected.clocks.count() >= BEFORE
            && let Some((checked, waited)) = found.take()
        {
            return Ok(Opened { connected, checked, waited });
        }
    }
}

fn answer(frame: &Frame) -> Option<Answer> {
    match frame {
        Frame::Message(bytes) => serde_json::from_slice(bytes).ok(),
        Frame::Header(_) | Frame::Entry(_) => None,
    }
}

/// How far the prober's reports have come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Running,
    /// All slots have resolved.
    Ended(End),
    Lost,
}

/// A prober elsewhere that sends the probes of a run.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    connected: Connected,
    /// What the prober's clock was taken to read beside the one here.
    assumed: ClockOffset,
    lanes: Vec<Lane>,
    control: Schedule,
    asking: Interval,
    /// The latest slot that was reported.
    latest: Offset,
    stop_at: Option<Offset>,
    state: State,
}

impl Connected {
    /// How long before the first slot the run is to be set up.
    pub(crate) fn run_up(&self) -> Duration {
        RUN_UP + self.round_trip() * 4
    }

    /// Has the prober begin the run of `header`, whose offsets count from the beginning of `clock`. The precedence that
    /// its threads got is put into the header.
    pub(crate) async fn begin(mut self, header: &mut RunHeader, clock: Clock) -> Result<Elsewhere, Error> {
        let Some(assumed) = self.clocks.offset() else {
            return Err(Error::Clock { described: self.described.clone() });
        };
        // What the prober does not need stays here: a command line may hold secrets.
        let theirs = RunHeader {
            began: assumed.of_the_other(clock.began()),
            command: None,
            budgets: Vec::new(),
            ..header.clone()
        };
        self.send_header(&theirs).map_err(Error::Order)?;
        let begun = async {
            loop {
                match self.next().await {
                    Ok(Some(Frame::Header(begun))) => return Ok(begun),
                    Ok(Some(frame)) => {
                        if let Some(Answer::Refused { version, why }) = answer(&frame) {
                            return Err(self.refused(version, why));
                        }
                    }
                    Ok(None) => {}
                    Err(why) => return Err(self.lost(why)),
                }
            }
        };
        let begun = timeout(SILENCE, begun).await;
        let begun = begun.unwrap_or_else(|_| Err(self.lost("it does not begin".to_owned())))?;
        header.precedence = begun.precedence;
        let mut asking = interval(EACH);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (lanes, control) = (header.lanes(), header.control());
        let (latest, stop_at, state) = (Offset::ZERO, None, State::Running);
        Ok(Elsewhere { connected: self, assumed, lanes, control, asking, latest, stop_at, state })
    }
}

impl Elsewhere {
    /// The next report; `None` once all slots have resolved, or after a stop if the prober was lost before.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        loop {
            match self.state {
                State::Running => {}
                State::Lost if self.stop_at.is_none() => return std::future::pending().await,
                State::Lost | State::Ended(_) => return None,
            }
            let frame = tokio::select! {
                frame = self.connected.next() => frame,
                _ = self.asking.tick() => {
                    self.connected.ask_time();
                    self.connected.silent_for(SILENCE).map(|()| None)
                }
            };
            let update = match frame {
                Ok(Some(frame)) => self.take(frame),
                Ok(None) => Ok(None),
                Err(why) => Err(why),
            };
            match update {
                Ok(Some(update)) => return Some(update),
                Ok(None) => {}
                Err(why) => {
                    self.state = State::Lost;
                    return Some(Update::Lost(format!("{}: {why}", self.connected.described)));
                }
            }
        }
    }

    /// The report in a frame, if it is one; an error if the prober cannot go on after it.
    fn take(&mut self, frame: Frame) -> Result<Option<Update>, String> {
        Ok(match frame {
            Frame::Entry(entry) => return self.take_entry(&entry),
            Frame::Message(_) => match answer(&frame) {
                Some(Answer::Said { text }) => Some(Update::Said(text)),
                _ => None,
            },
            Frame::Header(_) => None,
        })
    }

    fn take_entry(&mut self, entry: &EncodedEntry) -> Result<Option<Update>, String> {
        let entry = entry.decode((&self.lanes, self.control)).map_err(|error| error.to_string())?;
        match entry {
            Entry::Batch(batch) => Ok(Some(Update::Batch(self.before_the_stop(batch)))),
            Entry::Event(event) => Ok(Some(Update::Event(event))),
            Entry::End(_) if self.stop_at.is_none() => Err("it ended before it was told to".to_owned()),
            Entry::End(end) => {
                self.state = State::Ended(end);
                Ok(None)
            }
            // All others are of the run at home.
            _ => Ok(None),
        }
    }

    /// The batch without slots that were sent before the prober heard that it was to stop.
    fn before_the_stop(&mut self, mut batch: Batch) -> Batch {
        if let Some(stop) = self.stop_at {
            batch.records.retain(|record| record.probe.due < stop);
            batch.controls.retain(|probe| probe.due < stop);
            batch.watermark = batch.watermark.min(stop);
        }
        let latest = batch.records.iter().map(|record| record.probe.due).max();
        self.latest = self.latest.max(latest.unwrap_or(Offset::ZERO));
        batch
    }

    /// Sends no slot due at `at` or later, as far as none is reported yet. Returns where the slots end.
    pub(crate) fn stop(&mut self, at: Offset) -> Offset {
        // By the error of the clocks, a slot may be reported that is not due yet by the clock here.
        let at = if at > self.latest { at } else { self.latest + Duration::from_nanos(1) };
        let at = self.stop_at.map_or(at, |before| before.min(at));
        self.stop_at = Some(at);
        // That the prober is gone shows where its reports are taken.
        let _ = self.connected.send(&Request::Stop { at_ns: at.as_nanos() });
        at
    }

    /// Gives up the probes under way.
    pub(crate) fn abandon(&self) {
        let _ = self.connected.send(&Request::Abandon);
    }

    /// Compares the clocks for the last time, ends the prober, and says how surely its probes lie among other events.
    pub(crate) async fn close(&mut self) -> Closing {
        let mut closing = Closing::default();
        if let State::Ended(end) = self.state {
            closing.pressure = end.pressure;
            closing.precedence_until = end.precedence_until;
            let enough = self.connected.clocks.count().saturating_add(AFTER);
            let _ = timeout(EACH, async {
                while self.connected.clocks.count() < enough {
                    self.connected.ask_time();
                    // What else arrives now is of no slot.
                    if self.connected.next().await.is_err() {
                        return;
                    }
                }
            })
            .await;
        }
        self.connected.end().await;
        let count = self.connected.clocks.count();
        let described = &self.connected.described;
        match self.connected.clocks.error(self.assumed) {
            Some(error) => closing.notes.push((EventKind::ProberClock, clock_note(described, count, error))),
            None => closing.doubts.push(format!(
                "the clock of the prober {described} and the one here drifted apart faster than clocks do: where its probes \
                 lie among other events is not known"
            )),
        }
        closing
    }
}

/// How surely probes lie among the events of this machine.
fn clock_note(described: &str, count: usize, error: Duration) -> String {
    format!(
        "the probes were sent elsewhere, by {described}: between a probe and an event of the command or of the cluster, \
         times are uncertain by {} (the clocks were compared {count} times); those between probes are not",
        Human(error)
    )
}
