//! Ends a session at a breach that nothing to come can undo. The judgement is that of the verdict, at an interval, on the
//! session's own thread: it costs the threads that send nothing.

use std::time::Duration;

use rustix::process::Signal;

use super::{Order, Session, Stage};
use crate::run::plan::FailFast;
use lapse_measure::time::Offset;
use lapse_measure::verdict::Breach;
use lapse_record::entry::Entry;
use lapse_record::event::{Event, EventKind, Source};

/// The shortest time between two judgements.
const INTERVAL: Duration = Duration::from_millis(200);
/// The rest after a judgement, as a multiple of the time that it took: a long run has more to be judged.
const REST: u32 = 20;

/// Where the session is with its early end.
#[derive(Debug, Default)]
pub(super) struct EarlyEnd {
    /// When to judge next.
    next: Offset,
    has_come: bool,
}

impl EarlyEnd {
    /// Whether a breach has been found that ends the run.
    pub(super) const fn has_come(&self) -> bool {
        self.has_come
    }
}

impl Session<'_> {
    /// Ends the run if it is to end at a breach, and there is one.
    pub(super) fn look_for_breach(&mut self, now: Offset) {
        let Some(how) = self.parts.fail_fast else { return };
        let is_judged = matches!(self.stage, Stage::Event | Stage::Rollout(_) | Stage::Settle(_));
        if !is_judged || self.early.has_come || self.signals_seen > 0 || now < self.early.next {
            return;
        }
        let breach = self.parts.recorder.lasting_breach();
        let took = self.parts.clock.now().since(now);
        self.early.next = now + INTERVAL.max(took * REST);
        if let Some(breach) = breach {
            self.end_early(&breach, how, now);
        }
    }

    fn end_early(&mut self, breach: &Breach, how: FailFast, now: Offset) {
        self.early.has_come = true;
        let has_command = self.parts.recorder.has_command();
        let (kind, what) = match (&self.running, how) {
            (Some(_), FailFast::Stop) if has_command => (EventKind::EndedEarly, ", and the command was told to stop"),
            (Some(_), FailFast::Leave) if has_command => {
                (EventKind::BudgetExceeded, ", and the run ends once the command has ended")
            }
            _ => (EventKind::EndedEarly, ""),
        };
        let text = match kind {
            EventKind::EndedEarly => format!("the run was ended early (--fail-fast){what}: {breach}"),
            _ => format!("a budget was exceeded for good (--fail-fast){what}: {breach}"),
        };
        self.progress.say(&text);
        self.take(Entry::Event(Event::new(now, Source::Prober, kind.clone(), text)));
        match &self.running {
            Some(running) if kind == EventKind::EndedEarly => running.order(Order::Signal(Signal::TERM)),
            Some(_) => {}
            None => self.drain(now),
        }
    }
}
