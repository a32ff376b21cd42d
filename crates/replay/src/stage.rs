//! The state that all connections of a replay share: the script, where the replay is, and the clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use lapse_measure::answer::{Class, Health};
use lapse_measure::lane::Policy;
use lapse_measure::time::Offset;

use crate::door::Door;
use crate::format::Report;
use crate::idle::Idle;
use crate::ledger::{Key, Keys, Ledger, Ticket};
use crate::play::{Play, Reply};
use crate::playback::{Playback, Position};
use crate::script::Script;
use crate::serve::{News, Trigger};
use crate::tls::Tls;
use crate::upstream::Upstream;
use crate::weather::Weather;

/// What is done to a request that has just been read.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) position: Position,
    /// The class that the request meets.
    pub(crate) class: Class,
    pub(crate) play: Play,
    /// From the request to what is done.
    pub(crate) delay: Duration,
    /// Whether the service was well, so that an upstream answers in its place.
    pub(crate) is_well: bool,
}

/// A replay.
pub(crate) struct Stage {
    pub(crate) script: Script,
    pub(crate) playback: Playback,
    pub(crate) tls: Option<Tls>,
    pub(crate) upstream: Option<Upstream>,
    pub(crate) trigger: Trigger,
    pub(crate) news: UnboundedSender<News>,
    pub(crate) now: Box<dyn Fn() -> Offset + Send + Sync>,
    pub(crate) idle: Arc<Idle>,
    pub(crate) keys: Keys,
    pub(crate) weather: Weather,
    pub(crate) ledger: Mutex<Ledger>,
    /// Notified when the replay is asked to end.
    pub(crate) end: Notify,
}

impl Stage {
    pub(crate) fn now(&self) -> Offset {
        (self.now)()
    }

    /// Decides about a request that was read at `now`, the first on its connection (`Policy::New`) or a later one.
    pub(crate) fn turn(&self, policy: Policy, now: Offset) -> Turn {
        if self.trigger == Trigger::FirstRequest && self.playback.start_once(now) {
            self.begin_ledger(Some(now));
            self.tell(News::Started(now));
        }
        let position = self.playback.position(now);
        let scene = match position {
            Position::At(at) => self.script.scene(policy, at),
            Position::Waiting | Position::Over => None,
        };
        let Some(scene) = scene else {
            let (play, delay) = (Play::Answer(Reply::fine()), Duration::ZERO);
            return Turn { position, class: Class::Ok, play, delay, is_well: true };
        };
        let (play, is_well) = (Play::of(&scene), scene.class.health() != Health::Failed);
        // What is well takes an upstream's own time, unless it was slow.
        let at_once = is_well && self.upstream.is_some() && scene.class != Class::Slow;
        let delay = if at_once || play.waits_for_the_client() {
            Duration::ZERO
        } else {
            self.playback.speed().played(scene.delay)
        };
        Turn { position, class: scene.class, play, delay, is_well }
    }

    /// The ledger of what clients do.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_ledger(&self, started: Option<Offset>) {
        let (from, speed) = (self.playback.part().from, self.playback.speed());
        let when = |at: Offset| started.unwrap_or(Offset::ZERO) + speed.played(at.since(from));
        self.ledger().restart(started, &self.weather, when);
    }

    /// Enters a request into the ledger that was read at `now`.
    pub(crate) fn enter(&self, now: Offset, key: Option<Key>, turn: &Turn) -> Ticket {
        let class = matches!(turn.position, Position::At(_)).then_some(turn.class);
        self.ledger().enter(now, key, class)
    }

    /// What clients did up to now.
    pub(crate) fn report(&self) -> Report {
        let (now, playback) = (self.now(), &self.playback);
        Report {
            name: self.script.name.clone(),
            target: self.script.target.clone(),
            part: playback.part(),
            speed: playback.speed().get(),
            position: playback.position(now),
            unconnectable: self.weather.unconnectable,
            account: self.ledger().account(now, &self.weather),
            verdict: None,
        }
    }

    /// Whether a handshake that begins at `now` fails.
    pub(crate) fn spoils_handshake(&self, now: Offset) -> bool {
        let Position::At(at) = self.playback.position(now) else { return false };
        self.script.scene(Policy::New, at).is_some_and(|scene| scene.class == Class::Tls)
    }

    /// Starts the replay from its beginning.
    pub(crate) fn start(&self, now: Offset) {
        self.playback.start(now);
        self.begin_ledger(Some(now));
        self.tell(News::Started(now));
    }

    /// Puts the replay back to before its start.
    pub(crate) fn reset(&self) {
        self.playback.reset();
        self.begin_ledger(None);
        self.tell(News::Reset);
    }

    /// What the port does at `now`, and how long it goes on doing that; `None` for as long as nothing changes.
    pub(crate) fn door(&self, now: Offset) -> (Door, Option<Duration>) {
        match self.playback.position(now) {
            Position::At(at) => {
                let doors = &self.script.doors;
                let until = self.playback.until(at, doors.next_change(at));
                (doors.at(at).copied().unwrap_or_default(), Some(until))
            }
            Position::Waiting | Position::Over => (Door::Open, None),
        }
    }

    /// Closes the idle connections that the run found closed after the position `from` and up to `to`. Returns the time
    /// from `to` to the next such place; `None` if there is none.
    pub(crate) fn close_idle(&self, from: Offset, to: Offset) -> Option<Duration> {
        let closings = &self.script.closings;
        let place = |at: Offset| closings.partition_point(|(closed, _)| *closed <= at);
        let due = closings.get(place(from)..place(to)).unwrap_or_default();
        for (_, count) in due {
            self.idle.close(*count);
        }
        closings.get(place(to)).map(|(next, _)| self.playback.until(to, Some(*next)))
    }

    pub(crate) fn tell(&self, news: News) {
        // With no listener, the replay goes on untold.
        let _ = self.news.send(news);
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("playback", &self.playback).finish_non_exhaustive()
    }
}
