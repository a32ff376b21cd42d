//! What clients did during a replay: the figures that follow from its ledger, and how surely.

use std::collections::BTreeMap;
use std::time::Duration;

use lapse_measure::answer::Class;
use lapse_measure::time::Offset;

/// A number of logical requests that have a key, and of requests without one, each of which counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both {
    /// Logical requests that have a key.
    pub keyed: u64,
    /// Requests without a key.
    pub keyless: u64,
}

/// What clients did in one play of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Requests of logical requests that began while the run was played.
    pub requests: u64,
    /// Requests of others: they are in no figure.
    pub outside: u64,
    /// Requests with keys beyond those that are told apart.
    pub left_out: u64,
    /// Logical requests.
    pub logical: Both,
    /// Logical requests that had a success.
    pub succeeded: Both,
    /// Logical requests that had none yet, and have a request under way.
    pub unfinished: Both,
    /// Logical requests that never had a success: failures that a user saw.
    pub failed: Both,
    /// Those of the failed ones for which the upstream failed at least once.
    pub failed_by_upstream: Both,
    /// Connections that were accepted while the run was played, or after its end.
    pub connections: u64,
    /// Requests that were passed to the upstream.
    pub passed: u64,
    /// Requests that it failed.
    pub upstream_failed: u64,
    /// Requests by the class that they met.
    pub classes: BTreeMap<Class, u64>,
    /// What came before the first failure; `None` if that was less than a herd's time.
    pub usual: Option<Usual>,
    /// What came after each recovery.
    pub recoveries: Vec<Recovery>,
}

/// What came in a herd's time on average while all was well, before the first failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Requests.
    pub requests: f64,
    /// New connections.
    pub connections: f64,
}

/// What came after a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The offset in the recorded run from which on all was well.
    pub at: Offset,
    /// The time from there to the first success, by the client's clock; `None` if there was none before the next one.
    pub first_success: Option<Duration>,
    /// Requests in the herd's time after it; `None` before that is over.
    pub requests: Option<u64>,
    /// New connections in the herd's time after it.
    pub connections: Option<u64>,
}

/// A figure of a ledger that can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// All requests.
    Requests,
    /// Logical requests.
    LogicalRequests,
    /// Logical requests that had a success.
    Succeeded,
    /// Logical requests that never had one.
    UserFailures,
    /// Requests beyond the first of each logical request.
    Retries,
    /// Requests for each logical request.
    Amplification,
    /// The longest time from a recovery to the first success, in seconds.
    FirstSuccess,
    /// The most requests just after a recovery, as a multiple of the usual number.
    HerdRequests,
    /// The most new connections just after a recovery, as a multiple of the usual number.
    HerdConnections,
}

/// The values that a figure may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Both {
    /// With and without a key.
    pub const fn sum(self) -> u64 {
        self.keyed + self.keyless
    }
}

impl Figure {
    /// All figures.
    pub const ALL: [Self; 9] = [
        Self::Requests,
        Self::LogicalRequests,
        Self::Succeeded,
        Self::UserFailures,
        Self::Retries,
        Self::Amplification,
        Self::FirstSuccess,
        Self::HerdRequests,
        Self::HerdConnections,
    ];

    /// The figure's name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::LogicalRequests => "logical-requests",
            Self::Succeeded => "succeeded",
            Self::UserFailures => "user-failures",
            Self::Retries => "retries",
            Self::Amplification => "amplification",
            Self::FirstSuccess => "first-success",
            Self::HerdRequests => "herd-requests",
            Self::HerdConnections => "herd-connections",
        }
    }
}

impl Account {
    /// Requests beyond the first of each logical request.
    pub const fn retries(&self) -> u64 {
        self.requests.saturating_sub(self.logical.sum())
    }

    /// Requests for each logical request; `None` if there was none.
    pub fn amplification(&self) -> Option<f64> {
        ratio(self.requests, self.logical.sum())
    }

    /// The longest time from a recovery to the first success after it; an error if there is none to give.
    fn first_success(&self) -> Result<f64, String> {
        let late = self.recoveries.iter().find(|recovery| recovery.first_success.is_none());
        if let Some(recovery) = late {
            return Err(format!("nothing succeeded after the recovery at {}", seconds(recovery.at)));
        }
        let longest = self.recoveries.iter().filter_map(|recovery| recovery.first_success).max();
        longest
            .map(|longest| longest.as_secs_f64())
            .ok_or_else(|| "the service did not recover from anything".to_owned())
    }

    /// The most of `count` after a recovery, as a multiple of `usual`.
    fn herd(&self, count: fn(&Recovery) -> Option<u64>, usual: fn(&Usual) -> f64) -> Result<f64, String> {
        let usual = self.usual.as_ref().map(usual).filter(|usual| *usual > 0.0);
        let usual = usual.ok_or("nothing came before the first failure that it could be compared with")?;
        let counts: Option<Vec<_>> = self.recoveries.iter().map(count).collect();
        let most = counts.ok_or("the 100 ms after a recovery are not over")?.into_iter().max();
        Ok(float(most.ok_or("the service did not recover from anything")?) / usual)
    }

    /// The values that a figure may have; the error says why there is none.
    pub fn range(&self, figure: Figure) -> Result<Range, String> {
        let range = |low: u64, more: u64| Range { low: float(low), high: float(low.saturating_add(more)) };
        let exactly = |value: f64| Range { low: value, high: value };
        let (left_out, unfinished) = (self.left_out, self.unfinished.sum());
        Ok(match figure {
            Figure::Requests => range(self.requests, left_out),
            Figure::LogicalRequests => range(self.logical.sum(), left_out),
            Figure::Retries => range(self.retries(), left_out),
            Figure::Succeeded => range(self.succeeded.sum(), unfinished + left_out),
            Figure::UserFailures => {
                let (failed, upstream) = (self.failed.sum(), self.failed_by_upstream.sum());
                range(failed.saturating_sub(upstream), upstream.min(failed) + unfinished + left_out)
            }
            Figure::Amplification => {
                let all = self.requests + left_out;
                let of = |logical| ratio(all, logical).ok_or("there was no request");
                Range { low: of(self.logical.sum() + left_out)?, high: of(self.logical.sum())? }
            }
            Figure::FirstSuccess => exactly(self.first_success()?),
            Figure::HerdRequests => exactly(self.herd(|recovery| recovery.requests, |usual| usual.requests)?),
            Figure::HerdConnections => exactly(self.herd(|recovery| recovery.connections, |usual| usual.connections)?),
        })
    }
}

/// An offset in seconds, for sentences.
pub(crate) fn seconds(at: Offset) -> String {
    lapse_measure::time::Human(at.since(Offset::ZERO)).to_string()
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
