//! The metrics of the run so far, from its journal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Subject;
use crate::follower::Follower;
use lapse_report::html::RunState;
use lapse_report::metrics::Metrics;

/// The minimum time between two readings of the journal.
const PACE: Duration = Duration::from_millis(200);

/// The newest metrics of a run. All copies share them.
#[derive(Clone, Debug)]
pub(super) struct Source(Arc<Mutex<Followed>>);

#[derive(Debug)]
struct Followed {
    run: Follower,
    subject: Subject,
    /// `None` before the run begins.
    newest: Option<Arc<Metrics>>,
    is_final: bool,
}

impl Source {
    /// The metrics of a run, from its journal.
    pub(super) fn of(subject: Subject) -> Self {
        let run = Follower::of(&subject.folder, PACE);
        let followed = Followed { run, subject, newest: None, is_final: false };
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
}

impl Followed {
    /// Reads what has been added to the journal, if it is time for that.
    fn advance(&mut self) {
        if self.is_final || !self.run.rest().is_zero() {
            return;
        }
        let (run, subject) = (&mut self.run, &self.subject);
        if let Some(metrics) = run.read(|record| subject.metrics(record, RunState::GoesOn)) {
            self.newest = Some(Arc::new(metrics));
        }
    }
}
