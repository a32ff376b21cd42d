//! What a session does when it is asked for something.

use rustix::process::Signal;

use super::{Session, Stage};
use crate::run::activity::Order;
use crate::run::steering::Request;
use lapse_record::entry::Entry;
use lapse_record::event::{Event, EventKind, Source};

impl Session<'_> {
    /// Does what is asked for.
    pub(super) fn heed(&mut self, request: Request) {
        match request {
            Request::End(signal, why) => self.interrupt(signal, &why),
            Request::Settle => self.end_the_event(),
            Request::Event { kind, text, source_time } => {
                let event = Event::new(self.parts.clock.now(), Source::Caller, kind, text);
                self.take(Entry::Event(Event { source_time, ..event }));
            }
        }
    }

    /// Ends the event, also one that has not begun; ignored if it is over.
    fn end_the_event(&mut self) {
        if self.stage == Stage::Baseline {
            self.begin_event(self.parts.clock.now());
        }
        if let Some(running) = &self.running {
            running.order(Order::EndNow);
        }
    }

    /// Handles a signal. The first one ends the run in order: the activity ends, probes in flight may resolve, the
    /// report is written. The second one skips all waiting.
    pub(super) fn interrupt(&mut self, signal: Signal, why: &str) {
        let now = self.parts.clock.now();
        self.signals_seen += 1;
        if self.signals_seen == 1 {
            self.take(Entry::Interrupted(now));
            self.take(Entry::Event(Event::new(
                now,
                Source::Prober,
                EventKind::Interrupted,
                format!("{why}: ending the run"),
            )));
        }
        match &self.running {
            Some(running) if self.signals_seen == 1 => running.order(Order::Signal(signal)),
            Some(running) => {
                running.order(Order::EndNow);
                self.drain(now);
                self.parts.prober.abandon();
            }
            None if self.signals_seen == 1 => self.drain(now),
            None => self.parts.prober.abandon(),
        }
    }
}
