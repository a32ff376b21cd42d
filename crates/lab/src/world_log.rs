//! What the parts of a world share: its time, the events it tells, its ledger, and a pulse that says that something changed.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::ledger::{Entry, Ledger};
use lapse_measure::time::Offset;
use lapse_record::event::{Event, Source};

/// The one book of a world, which all of its parts write into.
pub(super) struct WorldLog {
    now: Box<dyn Fn() -> Offset + Send + Sync>,
    events: mpsc::UnboundedSender<Event>,
    ledger: Mutex<Ledger>,
    pulse: watch::Sender<()>,
    visited: watch::Sender<bool>,
}

impl WorldLog {
    pub(super) fn new(now: impl Fn() -> Offset + Send + Sync + 'static, events: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            now: Box::new(now),
            events,
            ledger: Mutex::default(),
            pulse: watch::Sender::new(()),
            visited: watch::Sender::new(false),
        }
    }

    pub(super) fn now(&self) -> Offset {
        (self.now)()
    }

    /// Tells an event. Nobody may be listening: that changes nothing in the world.
    pub(super) fn tell(&self, kind: &str, text: impl Into<String>) {
        let _ = self.events.send(Event::new(self.now(), Source::Lab, kind, text));
        self.stir();
    }

    /// Tells an event that happened to `object`, given as `kind/name`.
    pub(super) fn tell_of(&self, object: String, kind: &str, text: impl Into<String>) {
        let _ = self.events.send(Event::new(self.now(), Source::Lab, kind, text).to(object));
        self.stir();
    }

    /// Writes into the ledger.
    pub(super) fn enter(&self, entry: Entry) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).add(entry);
    }

    /// All that was inflicted until now.
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that something changed.
    pub(super) fn stir(&self) {
        self.pulse.send_replace(());
    }

    /// Wakes whenever something changed; several changes may wake it once.
    pub(super) fn pulse(&self) -> watch::Receiver<()> {
        self.pulse.subscribe()
    }

    /// A client has come.
    pub(super) fn visit(&self) {
        self.visited.send_if_modified(|visited| !std::mem::replace(visited, true));
    }

    /// Waits until the first client has come.
    pub(super) async fn visited(&self) {
        let _ = self.visited.subscribe().wait_for(|visited| *visited).await;
    }

    /// Sleeps until `until`; tokio's timer makes that up to a millisecond late.
    pub(super) async fn sleep_until(&self, until: Offset) {
        tokio::time::sleep(until.since(self.now())).await;
    }
}

impl fmt::Debug for WorldLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldLog").finish_non_exhaustive()
    }
}
