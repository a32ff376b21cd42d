//! What the progress display shows of a session.

use super::{Session, Stage};
use crate::progress::Snapshot;
use lapse_measure::time::Offset;

impl Session<'_> {
    /// Shows where the run is.
    pub(super) fn show(&mut self, now: Offset) {
        let fold = self.parts.recorder.fold();
        let (phase, of) = match (self.stage, self.parts.durations) {
            (Stage::Baseline, durations) => ("baseline", durations.map(|durations| durations.baseline)),
            (Stage::Event, _) => ("event", None),
            (Stage::Rollout(_), _) => ("rollout", None),
            (Stage::Settle(_), durations) => ("settle", durations.map(|durations| durations.settle)),
            (Stage::Drain(_), _) => ("waiting for the last answers", None),
        };
        self.progress.show(&Snapshot {
            phase,
            at: now,
            phase_at: now.since(self.stage_began),
            phase_of: of,
            offered: self.parts.offered,
            achieved: self.live.rate(),
            state: self.live.state(),
            downtime: fold.downtime(),
            failed: fold.failed(),
            spark: self.live.states().collect(),
        });
    }
}
