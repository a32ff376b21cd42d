//! The prober of this process: the hammer, and what it tells of targets beside the results of slots.

use std::collections::VecDeque;

use super::{Closing, Update};
use crate::run::redirect::RedirectNotices;
use crate::run::{addresses, slowness};
use lapse_hammer::clock::Clock;
use lapse_hammer::cpu_pressure::Pressure;
use lapse_hammer::engine::Hammer;
use lapse_measure::lane::Lane;
use lapse_measure::time::Offset;
use lapse_record::event::EventKind;

/// A running hammer.
#[derive(Debug)]
pub(crate) struct Here {
    hammer: Hammer,
    clock: Clock,
    lanes: Vec<Lane>,
    names: Vec<String>,
    redirects: RedirectNotices,
    pressure: Pressure,
    /// What is to be reported before the next batch.
    waiting: VecDeque<Update>,
}

impl Here {
    /// Reports for a hammer of these lanes, whose targets are called `names`.
    pub(crate) fn new(
        hammer: Hammer,
        clock: Clock,
        lanes: Vec<Lane>,
        names: Vec<String>,
        redirects: RedirectNotices,
    ) -> Self {
        Self { hammer, clock, lanes, names, redirects, pressure: Pressure::now(), waiting: VecDeque::new() }
    }

    /// The next report; `None` once all slots have resolved.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        if let Some(update) = self.waiting.pop_front() {
            return Some(update);
        }
        let batch = self.hammer.next().await?;
        self.tell_redirects();
        Some(Update::Batch(batch))
    }

    /// Says of each target once that it redirects, if its probes met that.
    fn tell_redirects(&mut self) {
        for (lane, redirect) in self.hammer.take_redirects() {
            let Some(target) = self.lanes.get(lane.0).map(|lane| lane.target) else { continue };
            if let Some((event, is_new)) = self.redirects.met(target, &redirect, self.clock.now()) {
                self.waiting.extend(is_new.then(|| Update::Said(event.text.clone())));
                self.waiting.push_back(Update::Event(event));
            }
        }
    }

    /// Sends no slot due at `at` or later.
    pub(crate) fn stop(&self, at: Offset) {
        self.hammer.stop(at);
    }

    /// Gives up the probes under way.
    pub(crate) fn abandon(&self) {
        self.hammer.abandon();
    }

    /// What there is to say once all slots have resolved, of a run that ends at `at`.
    pub(crate) fn close(&mut self, at: Offset) -> Closing {
        let (addresses, slow) = (self.hammer.take_addresses(), self.hammer.take_slow());
        let addresses = addresses::notes(addresses, &self.lanes, &self.names);
        let slow = slowness::notes(&slow, &self.lanes, &self.names);
        let addresses = addresses.into_iter().map(|note| (EventKind::Addresses, note));
        let slow = slow.into_iter().map(|note| (EventKind::SlowAnswers, note));
        Closing {
            notes: addresses.chain(slow).collect(),
            doubts: Vec::new(),
            pressure: self.pressure.share_since(at),
            precedence_until: self.hammer.precedence_until(),
        }
    }
}
