//! The metrics of the run so far, from its journal.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapse_hammer::clock::Clock;
use lapse_measure::time::{Offset, UnixTime};
use lapse_record::journal::Tail;
use lapse_report::html::RunState;
use lapse_report::metrics::Metrics;

/// The minimum time between two readings of the journal.
const PACE: Duration = Duration::from_millis(200);
/// The minimum pause after a reading, as a multiple of the time it took: at most a tenth of a processor goes to it.
const REST: u32 = 10;

/// The newest metrics of a run. All copies share them.
#[derive(Clone, Debug)]
pub(super) struct Source(Arc<Mutex<Followed>>);

#[derive(Debug)]
struct Followed {
    tail: Tail,
    methods: Vec<String>,
    clock: Clock,
    /// `None` before the run begins.
    newest: Option<Arc<Metrics>>,
    is_final: bool,
    next: Offset,
}

impl Source {
    /// The metrics of the run whose journal is, or will be, in `folder`.
    pub(super) fn of(folder: &Path, methods: Vec<String>) -> Self {
        let (tail, clock) = (Tail::of(folder), Clock::start());
        let followed = Followed { tail, methods, clock, newest: None, is_final: false, next: Offset::ZERO };
        Self(Arc::new(Mutex::new(followed)))
    }

    /// The newest metrics, and whether they are final; `None` before the run begins.
    pub(super) fn newest(&self) -> (Option<Arc<Metrics>>, bool) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.advance();
        (followed.newest.clone(), followed.is_final)
    }

    /// Sets the final metrics.
    pub(super) fn end(&self, metrics: Arc<Metrics>) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (followed.newest, followed.is_final) = (Some(metrics), true);
    }

    /// The date by the machine's wall clock.
    pub(super) fn now(&self) -> UnixTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clock.anchor().date
    }
}

impl Followed {
    /// Reads what has been added to the journal, if it is time for that.
    fn advance(&mut self) {
        let began = self.clock.now();
        if self.is_final || began < self.next {
            return;
        }
        // A journal that cannot be read leaves the metrics unchanged; the run itself reports the error.
        if let Some(record) = self.tail.advance().ok().and_then(|()| self.tail.record()) {
            self.newest = Some(Arc::new(Metrics::of(&record, RunState::GoesOn, &self.methods)));
        }
        let now = self.clock.now();
        self.next = now + PACE.max(now.since(began) * REST);
    }
}
