//! Budgets: what a run may cost, held against bounds and not against estimates.

use std::fmt;
use std::time::Duration;

use super::answer::Class;
use super::held::limit::StreamLimit;
use super::lane::{LaneId, TargetId};
use super::time::Human;

/// The targets or lanes whose totals a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The totals of each target by itself.
    EachTarget,
    /// The totals of one target.
    Target(TargetId),
    /// The totals of one lane.
    Lane(LaneId),
}

/// A limit: the quantity, and the most (or least) that is allowed of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// Loss-derived downtime.
    Downtime(Duration),
    /// The longest disruption of any lane.
    Disruption(Duration),
    /// The longest strict outage of any lane.
    Outage(Duration),
    /// The time in which every lane failed at once.
    Down(Duration),
    /// The time in which any lane was slow.
    Slow(Duration),
    /// Failed probes.
    Failed(u64),
    /// The share of probes that failed, from 0 to 1.
    FailedShare(f64),
    /// The share of probes that failed in the worst stretch of a width.
    FailedWithin(WorstShare),
    /// Availability by requests, from 0 to 1: at least this.
    Availability(f64),
    /// What may happen to held streams; it limits those of a target.
    Streams(StreamLimit),
    /// The other way round, for a demonstration: some probe has to fail.
    Loss,
    /// For a demonstration: the impaired time lies between these, as far as its bounds can say.
    Impaired(Duration, Duration),
    /// For a demonstration: what fails is of these classes.
    Only(Vec<Class>),
}

/// A named limit on the totals of some targets or lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The budget's name: its flag, or the part of a scenario.
    pub name: String,
    /// The targets or lanes whose totals are limited.
    pub scope: Scope,
    /// The limit.
    pub limit: Limit,
}

/// How a budget fared.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The budget held, whatever the truth within the bounds.
    Held,
    /// The budget was exceeded, whatever the truth within the bounds: the figure that exceeded it.
    Broken(String),
    /// The limit lies within the bounds: the reason, and the remedy.
    Undecided(String),
}

/// A share of the probes that may fail in any stretch of the run of one width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorstShare {
    /// The share, from 0 to 1.
    pub share: f64,
    /// The width of the stretch.
    pub width: Duration,
}

impl Limit {
    /// Whether it limits what may be lost. The others are what a demonstration has to show.
    pub const fn is_ceiling(&self) -> bool {
        !matches!(self, Self::Loss | Self::Impaired(..) | Self::Only(_))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downtime(limit)
            | Self::Disruption(limit)
            | Self::Outage(limit)
            | Self::Down(limit)
            | Self::Slow(limit) => {
                write!(f, "{}", Human(*limit))
            }
            Self::Failed(0) => f.write_str("no failed probe"),
            Self::Failed(1) => f.write_str("1 failed probe"),
            Self::Failed(limit) => write!(f, "{limit} failed probes"),
            Self::FailedShare(share) => write!(f, "{} % failed", share * 100.0),
            Self::FailedWithin(WorstShare { share, width }) => {
                write!(f, "{} % failed in any {}", share * 100.0, Human(*width))
            }
            Self::Availability(share) => write!(f, "{} %", share * 100.0),
            Self::Streams(limit) => limit.fmt(f),
            Self::Loss => f.write_str("at least one failed probe"),
            Self::Impaired(least, most) => write!(f, "{} to {}", Human(*least), Human(*most)),
            Self::Only(classes) => f.write_str(&classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}
