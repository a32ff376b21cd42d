//! What a session does when the connection to its prober is lost: what came is kept, and the command is left alone.

use super::{Session, Stage};
use lapse_measure::time::{Human, Offset};
use lapse_record::entry::Entry;
use lapse_record::event::{Event, EventKind, Source};

impl Session<'_> {
    /// Ends the run with the command if that goes on, and else at once. Either way it supports no verdict.
    pub(super) fn lose_the_prober(&mut self, why: &str) {
        let now = self.parts.clock.now();
        let known = self.parts.recorder.watermark();
        let text = format!(
            "the prober was lost, and what it saw is known for the first {} of the run alone: {why}",
            Human(known.since(Offset::ZERO))
        );
        self.prober_lost = true;
        self.progress.say(&text);
        self.take(Entry::Event(Event::new(now, Source::Prober, EventKind::ProberLost, text.clone())));
        self.take(Entry::Doubt(text));
        // Of the time after this nothing is known, so the run has none.
        self.ends_at = Some(self.ends_at.map_or(known, |end| end.min(known)));
        if !matches!(self.stage, Stage::Event) || self.running.is_none() {
            self.drain(now);
        }
    }
}
