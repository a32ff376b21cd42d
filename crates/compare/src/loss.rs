//! The share of a lane's probes that failed.

use std::time::Duration;

use lapse_measure::binomial::Share;
use lapse_measure::difference::Difference;
use lapse_measure::lane::LaneId;
use lapse_measure::phrase::some;

use crate::figure::{Apart, Change, Doubt, Value, Why};
use crate::run::Run;

/// What a lane lost in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss<'a> {
    /// The name of the run.
    run: &'a str,
    failed: u64,
    /// Failed probes that were sent late: the prober itself may have caused them.
    late: u64,
    /// Probes that came to an answer.
    resolved: u64,
    not_sent: u64,
    /// Probes that a run would have sent that had gone on for as long as the other one.
    not_watched: u64,
}

impl<'a> Loss<'a> {
    /// The loss of `lane`, as of a run that was watched for `length`.
    pub(crate) fn of(run: &'a Run, lane: LaneId, length: Duration) -> Self {
        let totals = run.totals(&[lane]);
        let period = run.record.seen.lane(lane).timeline.schedule().period().max(Duration::from_nanos(1));
        let missing = length.saturating_sub(run.window().length());
        Self {
            run: &run.name,
            failed: totals.failed,
            late: totals.failed_late,
            resolved: totals.resolved,
            not_sent: totals.not_sent,
            not_watched: u64::try_from(missing.as_nanos() / period.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn value(self) -> Value {
        let Self { failed, resolved, not_watched, .. } = self;
        Value::Lost { failed, resolved, share: Share::of(failed, resolved.saturating_add(not_watched)) }
    }

    fn share(self, tail: f64) -> Share {
        // No probe at all tells nothing, however long it could have been watched.
        let not_watched = if self.resolved == 0 { 0 } else { self.not_watched };
        Share::with_tail(self.failed, self.resolved.saturating_add(not_watched), tail)
    }

    /// The most that it can have been: every slot that was not sent would have failed.
    fn most(self) -> Self {
        let Self { failed, resolved, not_sent, .. } = self;
        Self { failed: failed.saturating_add(not_sent), resolved: resolved.saturating_add(not_sent), ..self }
    }

    /// The least that it can have been: what was sent late would have been answered.
    fn least(self) -> Self {
        Self { failed: self.failed.saturating_sub(self.late), ..self }
    }
}

/// For how long runs count as watched, which decides what their losses are shares of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watched {
    /// Each for its own length.
    Own,
    /// Both for the longer of the two.
    Longest(Duration),
    /// Either: a difference has to be there both ways.
    Both(Duration),
}

/// Compares what a lane lost in two runs, with intervals that leave `tail` out on either side.
pub(crate) fn compare(
    base: (&Run, LaneId),
    run: (&Run, LaneId),
    watched: Watched,
    tail: f64,
) -> ([Value; 2], (Apart, Change)) {
    let lost = |length: Option<Duration>| {
        [base, run].map(|(run, lane)| Loss::of(run, lane, length.unwrap_or_else(|| run.window().length())))
    };
    let (losses, other) = match watched {
        Watched::Own => (lost(None), None),
        Watched::Longest(length) => (lost(Some(length)), None),
        Watched::Both(length) => (lost(None), Some(lost(Some(length)))),
    };
    let (apart, mut change) = held(losses, tail);
    if let Some(losses) = other {
        let (_, other) = held(losses, tail);
        if matches!(change, Change::Better | Change::Worse) && other != change {
            change = Change::NotShown(Why::Length);
        }
    }
    (losses.map(Loss::value), (Apart::Share(apart), change))
}

fn held([base, run]: [Loss<'_>; 2], tail: f64) -> (Difference, Change) {
    let apart = Difference::of(base.share(tail), run.share(tail));
    let change = if apart.is_increase() {
        if Difference::of(base.most().share(tail), run.least().share(tail)).is_increase() {
            Change::Worse
        } else {
            Change::Undecided(Doubt { why: why(base, run), may_be_worse: true })
        }
    } else if apart.is_decrease() {
        if Difference::of(base.least().share(tail), run.most().share(tail)).is_decrease() {
            Change::Better
        } else {
            let may_be_worse = Difference::of(base.share(tail), run.most().share(tail)).is_increase();
            Change::Undecided(Doubt { why: why(run, base), may_be_worse })
        }
    } else {
        Change::NotShown(Why::Overlap)
    };
    (apart, change)
}

/// Why a difference between `less` and `more` lost probes is none of the service's.
fn why(less: Loss<'_>, more: Loss<'_>) -> String {
    if less.not_sent >= more.late {
        format!("{} of {} were not sent, and could have failed", some(less.not_sent, "probe"), less.run)
    } else {
        format!(
            "{} of {} failed that were sent late, while the prober itself was held up",
            some(more.late, "probe"),
            more.run
        )
    }
}
