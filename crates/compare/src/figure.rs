//! A figure of two runs: what each measured, how far the two are apart, and what that comes to.

use std::fmt;

use lapse_measure::binomial::Share;
use lapse_measure::difference::Difference;
use lapse_measure::time::{Bounded, nanos};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// The share of a lane's probes that failed.
    Failed,
    /// The loss-derived downtime of a target.
    Downtime,
    /// The longest disruption of any lane of a target.
    Disruption,
    /// The longest strict outage of any lane of a target.
    Outage,
    /// The median latency of a lane's healthy answers in the event.
    P50,
    /// The 99th percentile of that latency.
    P99,
}

impl Measure {
    /// All figures, in the order in which reports list them.
    pub const ALL: [Self; 6] = [Self::Failed, Self::Downtime, Self::Disruption, Self::Outage, Self::P50, Self::P99];

    /// The name of the figure in reports and in `--tolerate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Downtime => "downtime",
            Self::Disruption => "disruption",
            Self::Outage => "outage",
            Self::P50 => "p50",
            Self::P99 => "p99",
        }
    }

    /// Whether the figure is a latency: the others are of what was lost.
    pub const fn is_latency(self) -> bool {
        matches!(self, Self::P50 | Self::P99)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What one run measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Probes of a lane.
    Lost {
        /// Probes that failed.
        failed: u64,
        /// Probes that came to an answer.
        resolved: u64,
        /// The share that failed, over the length for which the runs are compared, with its interval of 95 %.
        share: Share,
    },
    /// A duration with its bounds.
    Time(Bounded),
}

/// How much more the run has than the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Apart {
    /// Shares of probes.
    Share(Difference),
    /// Durations.
    Time(TimeDifference),
}

/// How much longer one duration is than another, in nanoseconds, with bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeDifference {
    /// The difference of the estimates.
    pub estimate: i64,
    /// The lower bound; `None` if the base has no upper one.
    pub low: Option<i64>,
    /// The upper bound; `None` if the run has none.
    pub high: Option<i64>,
}

impl TimeDifference {
    /// How much longer `run` is than `base`.
    pub fn of(base: Bounded, run: Bounded) -> Self {
        let signed = |time| i64::try_from(nanos(time)).unwrap_or(i64::MAX);
        let less = |time, other| signed(time).saturating_sub(signed(other));
        Self {
            estimate: less(run.estimate, base.estimate),
            low: base.at_most.map(|at_most| less(run.at_least, at_most)),
            high: run.at_most.map(|at_most| less(at_most, base.at_least)),
        }
    }
}

/// What a difference comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The run is better than the base.
    Better,
    /// The run is worse than the base.
    Worse,
    /// No difference that this many probes could show.
    NotShown(Why),
    /// A difference that something else than the service may have made.
    Undecided(Doubt),
}

/// Why a difference is undecided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The reason, as a clause.
    pub why: String,
    /// Whether the run may be worse than the base, by what it shows and by what it may have hidden.
    pub may_be_worse: bool,
}

/// Why no difference is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The figures may be equal: their bounds meet.
    Overlap,
    /// The bounds do not meet, but a loss of one share leaves stretches of such lengths by chance.
    Chance,
    /// The shares of the probes differ, but so do the lengths for which the runs were watched.
    Length,
}

/// A figure of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What is compared.
    pub measure: Measure,
    /// The target or the lane.
    pub of: String,
    /// What the base measured.
    pub base: Value,
    /// What the run measured.
    pub run: Value,
    /// How much more that is than what the base measured.
    pub apart: Apart,
    /// What the difference comes to.
    pub change: Change,
    /// Whether a change for the worse counts at all: latency does only if it is named in `--tolerate`.
    pub counts: bool,
    /// Whether the run is worse by more than what is tolerated.
    pub is_regression: bool,
}
