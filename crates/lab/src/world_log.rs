//! The state that all parts of a world share: clock, event stream, ledger, and a change notification.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::ledger::{Entry, Ledger};
use lapse_measure::time::Offset;
use lapse_record::event::{Event, EventKind, Object, Source};

/// The log that all parts of a world write to.
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

    /// Emits an event; without a receiver it is dropped.
    pub(super) fn tell(&self, kind: EventKind, text: impl Into<String>) {
        self.send(self.event(kind, text));
    }

    /// Emits an event that belongs to the row of `object` in reports.
    pub(super) fn tell_of(&self, object: Object, kind: EventKind, text: impl Into<String>) {
        self.send(self.event(kind, text).to(object));
    }

    /// An event of now that is not emitted yet.
    pub(super) fn event(&self, kind: EventKind, text: impl Into<String>) -> Event {
        Event::new(self.now(), Source::Lab, kind, text)
    }

    /// Emits an event that was made before.
    pub(super) fn send(&self, event: Event) {
        let _ = self.events.send(event);
        self.stir();
    }

    /// Adds an entry to the ledger.
    pub(super) fn enter(&self, entry: Entry) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).add(entry);
    }

    /// A copy of the ledger so far.
    pub(super) fn ledger(&self) -> Ledger {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notifies all receivers of [`Self::pulse`].
    pub(super) fn stir(&self) {
        self.pulse.send_replace(());
    }

    /// A receiver that is notified of changes; several changes may come as one.
    pub(super) fn pulse(&self) -> watch::Receiver<()> {
        self.pulse.subscribe()
    }

    /// Records that a client has sent a request.
    pub(super) fn visit(&self) {
        self.visited.send_if_modified(|visited| !std::mem::replace(visited, true));
    }

    /// Waits for the first request.
    pub(super) async fn visited(&self) {
        let _ = self.visited.subscribe().wait_for(|visited| *visited).await;
    }

    /// Sleeps until `until`; tokio's timer is up to a millisecond late.
    pub(super) async fn sleep_until(&self, until: Offset) {
        tokio::time::sleep(until.since(self.now())).await;
    }
}

impl fmt::Debug for WorldLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldLog").finish_non_exhaustive()
    }
}
