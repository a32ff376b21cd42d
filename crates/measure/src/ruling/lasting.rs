//! Which breaches the rest of a run cannot undo: what was lost is not given back, but a share of all probes
//! falls again while probes succeed.

use std::time::Duration;

use super::super::binomial::Share;
use super::super::budget::Limit;
use super::Measured;

/// A number of probes at which a share is as good as a count.
const MANY: u64 = 1 << 40;

impl Measured<'_> {
    /// Whether a breach of this limit, as far as it was measured, is one for good.
    pub(in super::super) fn lasts(&self, limit: &Limit) -> bool {
        match limit {
            Limit::Disruption(_)
            | Limit::Outage(_)
            | Limit::Down(_)
            | Limit::Slow(_)
            | Limit::Failed(_)
            | Limit::Only(_) => true,
            Limit::Downtime(limit) => self.least_downtime() > *limit,
            Limit::Impaired(_, most) => self.totals.impaired.at_least > *most,
            // The streams of a run are judged once it is over.
            Limit::Streams(_)
            | Limit::FailedShare(_)
            | Limit::FailedWithin(_)
            | Limit::Availability(_)
            | Limit::Loss => false,
        }
    }

    /// The least downtime that the failures so far stand for, with any number of successes to come. The bounds of
    /// a sampled disruption approach it from above: the interval of a share of n probes, as n grows.
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    fn least_downtime(&self) -> Duration {
        let least = Share::of(self.totals.failed, MANY).low * MANY as f64;
        let period = self.lanes.first().map_or(Duration::ZERO, |lane| lane.lane.schedule.period());
        let lanes = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX).max(1);
        Duration::try_from_secs_f64(period.as_secs_f64() * least / f64::from(lanes)).unwrap_or(Duration::MAX)
    }
}
