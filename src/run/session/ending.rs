//! The last entries of a session, once all slots have resolved.

use super::Session;
use lapse_record::entry::{End, Entry};
use lapse_record::event::{Event, Source};
use lapse_record::record::Record;

impl Session<'_> {
    /// Writes the notes that only the end can tell, and the end itself.
    pub(super) async fn finish(mut self) -> Record {
        let at = self.ends_at.unwrap_or_else(|| self.parts.clock.now());
        let anchor = self.parts.clock.anchor();
        let closing = self.parts.prober.close(at).await;
        let end = End { at, anchor, pressure: closing.pressure, precedence_until: closing.precedence_until };
        let sums = self.parts.lab.take().map(|lab| lab.ledger().sums()).unwrap_or_default();
        for sum in sums {
            self.take(Entry::InjectedFault(sum));
        }
        for (kind, note) in closing.notes {
            self.take(Entry::Event(Event::new(at, Source::Prober, kind, note)));
        }
        for doubt in closing.doubts {
            self.take(Entry::Doubt(doubt));
        }
        self.take(Entry::End(end));
        self.progress.finish();
        self.parts.recorder.finish()
    }
}
