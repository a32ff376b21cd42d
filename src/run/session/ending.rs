//! The last entries of a session, once all slots have resolved.

use super::Session;
use crate::run::{addresses, slowness};
use lapse_record::entry::{End, Entry};
use lapse_record::event::{Event, EventKind, Source};
use lapse_record::record::Record;

impl Session<'_> {
    /// Writes the notes that only the end can tell, and the end itself.
    pub(super) fn finish(mut self) -> Record {
        let at = self.ends_at.unwrap_or_else(|| self.parts.clock.now());
        let anchor = self.parts.clock.anchor();
        let precedence_until = self.parts.hammer.precedence_until();
        let end = End { at, anchor, pressure: self.pressure.share_since(at), precedence_until };
        let sums = self.parts.lab.take().map(|lab| lab.ledger().sums()).unwrap_or_default();
        for sum in sums {
            self.take(Entry::InjectedFault(sum));
        }
        let (addresses, slow) = (self.parts.hammer.take_addresses(), self.parts.hammer.take_slow());
        let (lanes, names) = (self.parts.recorder.lanes().0, self.parts.recorder.names());
        let addresses = addresses::notes(addresses, lanes, &names).into_iter().map(|note| (EventKind::Addresses, note));
        let slow = slowness::notes(&slow, lanes, &names).into_iter().map(|note| (EventKind::SlowAnswers, note));
        for (kind, note) in addresses.chain(slow).collect::<Vec<_>>() {
            self.take(Entry::Event(Event::new(at, Source::Prober, kind, note)));
        }
        self.take(Entry::End(end));
        self.progress.finish();
        self.parts.recorder.finish()
    }
}
