//! Budgets: what a run may cost, held against bounds and not against estimates.

use std::fmt;
use std::time::Duration;

use super::answer::Class;
use super::lane::{LaneId, TargetId};
use super::time::{Bounded, Human};
use super::totals::Totals;

/// Whose totals a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each target's.
    EachTarget,
    /// One target's.
    Target(TargetId),
    /// One lane's.
    Lane(LaneId),
}

/// What is limited, and to what.
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
    /// Availability by requests, from 0 to 1: at least this.
    Availability(f64),
    /// The other way round, for a demonstration: some probe has to fail.
    Loss,
    /// For a demonstration: the impaired time lies between these, as far as its bounds can say.
    Impaired(Duration, Duration),
    /// For a demonstration: what fails is of these classes.
    Only(Vec<Class>),
}

/// One budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// What the user calls it: the flag, or the part of a scenario.
    pub name: String,
    /// Whose totals.
    pub scope: Scope,
    /// The limit.
    pub limit: Limit,
}

/// How a budget fared.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It surely held.
    Held,
    /// It surely did not: the figure that broke it.
    Broken(String),
    /// The bounds reach over the limit: why, and what would decide it.
    Undecided(String),
}

impl Limit {
    /// Holds the limit against the totals of one target or lane, which one slot represents for `slot`.
    pub fn hold(&self, totals: &Totals, slot: Duration) -> Outcome {
        match self {
            Self::Downtime(limit) => bounded(totals.loss_derived, *limit, slot),
            Self::Disruption(limit) => disrupted(totals, *limit, slot),
            Self::Outage(limit) => seen(bounded(totals.longest, *limit, slot), totals.widest_gap, *limit),
            Self::Down(limit) => bounded(totals.down, *limit, slot),
            Self::Slow(limit) => bounded(totals.slow, *limit, slot),
            Self::Failed(limit) => exact(totals.failed <= *limit, || failed_of(totals)),
            Self::FailedShare(limit) => {
                exact(totals.availability.requests.is_none_or(|share| 1.0 - share <= *limit), || failed_of(totals))
            }
            Self::Availability(limit) => {
                let requests = totals.availability.requests;
                let figure =
                    || requests.map_or_else(|| "none resolved".to_owned(), |share| format!("{:.4} %", share * 100.0));
                exact(requests.is_none_or(|share| share >= *limit), figure)
            }
            Self::Loss => exact(totals.failed > 0, || failed_of(totals)),
            Self::Impaired(least, most) => {
                let impaired = totals.impaired;
                let reaches = impaired.at_most.is_none_or(|at_most| at_most >= *least);
                exact(impaired.at_least <= *most && reaches, || format!("impaired for {impaired}"))
            }
            Self::Only(expected) => {
                let others = || totals.classes.iter().filter(|(class, _)| !expected.contains(class));
                let name = |(class, count): (&Class, &u64)| format!("{class} x{count}");
                exact(others().next().is_none(), || others().map(name).collect::<Vec<_>>().join(", "))
            }
        }
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
            Self::Availability(share) => write!(f, "{} %", share * 100.0),
            Self::Loss => f.write_str("at least one failed probe"),
            Self::Impaired(least, most) => write!(f, "{} to {}", Human(*least), Human(*most)),
            Self::Only(classes) => f.write_str(&classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

fn exact(held: bool, figure: impl FnOnce() -> String) -> Outcome {
    if held { Outcome::Held } else { Outcome::Broken(figure()) }
}

fn failed_of(totals: &Totals) -> String {
    format!("{} of {} probes failed", totals.failed, totals.resolved)
}

fn bounded(figure: Bounded, limit: Duration, slot: Duration) -> Outcome {
    if figure.at_most.is_some_and(|at_most| at_most <= limit) {
        Outcome::Held
    } else if figure.at_least > limit {
        Outcome::Broken(figure.to_string())
    } else {
        Outcome::Undecided(format!("{figure} {}", remedy(figure, limit, slot)))
    }
}

/// Holds the longest disruption against a limit; one that is surely longer is named, with what it cost.
fn disrupted(totals: &Totals, limit: Duration, slot: Duration) -> Outcome {
    let disruptions = &totals.disruptions;
    let outcome = seen(bounded(disruptions.longest_length, limit, slot), totals.widest_gap, limit);
    match (&outcome, &disruptions.longest) {
        (Outcome::Broken(_), Some(longest)) => {
            let over = match disruptions.count {
                1 => "one disruption of".to_owned(),
                count => format!("{count} disruptions, the longest of"),
            };
            let [lost, low, high] =
                [longest.lost.estimate, longest.lost.low, longest.lost.high].map(|share| share * 100.0);
            Outcome::Broken(format!("{over} {} that lost {lost:.1} % ({low:.1} to {high:.1})", longest.length()))
        }
        _ => outcome,
    }
}

/// Nothing longer than the limit was seen; but between two probes a longer outage may have gone unseen. A limit of zero
/// asks only that no probe failed.
fn seen(outcome: Outcome, gap: Duration, limit: Duration) -> Outcome {
    if outcome == Outcome::Held && gap > limit && !limit.is_zero() {
        return Outcome::Undecided(format!(
            "no longer one was seen, but one of {} could have gone unseen between two probes: raise --rate",
            Human(gap)
        ));
    }
    outcome
}

/// What would have decided it. Bounds are two periods wide, plus the lateness and the round trips at
/// both ends; only the first part shrinks as the rate grows.
fn remedy(figure: Bounded, limit: Duration, slot: Duration) -> String {
    let Some(at_most) = figure.at_most else {
        return "is open: its beginning or its end was not seen".to_owned();
    };
    let width = at_most.saturating_sub(figure.at_least);
    let fixed = width.saturating_sub(slot * 2);
    let room = figure.estimate.abs_diff(limit);
    if slot.is_zero() || fixed >= room {
        return format!(
            "and no rate would decide it: lateness and round trips alone make it uncertain by {}",
            Human(fixed)
        );
    }
    let times = (slot * 2).div_duration_f64(room.saturating_sub(fixed)).max(1.0);
    let per_second = 1.0 / slot.as_secs_f64() * times;
    format!("and {per_second:.0} probes a second on that lane would have decided it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(estimate: u64, at_least: u64, at_most: Option<u64>) -> Bounded {
        let ms = Duration::from_millis;
        Bounded { estimate: ms(estimate), at_least: ms(at_least), at_most: at_most.map(ms) }
    }

    fn outcome(figure: Bounded, limit: u64) -> Outcome {
        bounded(figure, Duration::from_millis(limit), Duration::from_millis(2))
    }

    #[test]
    fn a_budget_holds_only_if_the_upper_bound_does() {
        assert_eq!(outcome(ms(300, 298, Some(302)), 302), Outcome::Held);
        assert_eq!(outcome(ms(300, 298, Some(302)), 297), Outcome::Broken("300 ms (298 to 302)".to_owned()));
    }

    #[test]
    fn what_is_undecided_says_which_rate_would_decide() {
        let said = |figure, limit| match outcome(figure, limit) {
            Outcome::Undecided(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            said(ms(300, 298, Some(302)), 301),
            "300 ms (298 to 302) and 2000 probes a second on that lane would have decided it"
        );
        assert!(said(ms(300, 250, Some(350)), 301).contains("no rate would decide it"));
        assert_eq!(
            said(ms(300, 298, None), 400),
            "300 ms (298 or more) is open: its beginning or its end was not seen"
        );
    }
}
