//! From what was seen and what it might cost to one verdict, which a script can act on.
//!
//! A failure that was seen is one, however much was not seen: fail beats inconclusive.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::answer::Class;
use super::budget::{Budget, Limit, Outcome, Scope};
use super::lane::TargetId;
use super::observations::{LaneObservations, Observations};
use super::phase::Phase;
use super::span::Span;
use super::time::Human;
use super::totals::{self, Totals};

/// A run whose lanes sent less than this share of what was offered measured something else.
const ENOUGH_SENT: f64 = 0.95;

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Every budget held.
    Pass,
    /// A budget was exceeded.
    Fail,
    /// The measurement cannot support a verdict.
    Inconclusive,
    /// The wrapped command failed or could not start.
    CommandFailed,
    /// The run was interrupted.
    Interrupted,
}

impl Conclusion {
    /// The exit code that says it; 2 is left to runs that never began.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
            Self::CommandFailed => 4,
            Self::Interrupted => 130,
        }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::CommandFailed => "command-failed",
            Self::Interrupted => "interrupted",
        })
    }
}

/// How the run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As planned.
    Complete,
    /// As planned, but the wrapped command failed.
    CommandFailed,
    /// By a signal, or by a crash.
    Interrupted,
}

/// How much of the event may be blind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxBlind {
    /// The share of the event, from 0 to 1.
    pub share: f64,
    /// The longest single stretch.
    pub stretch: Duration,
}

impl Default for MaxBlind {
    fn default() -> Self {
        Self { share: 0.01, stretch: Duration::from_millis(250) }
    }
}

/// A budget that was exceeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What the user calls the budget.
    pub budget: String,
    /// The target or the lane: `shop` or `shop/new`.
    pub of: String,
    /// What was measured, with bounds.
    pub figure: String,
    /// What was allowed.
    pub limit: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} on {}, allowed: {}", self.budget, self.figure, self.of, self.limit)
    }
}

/// The verdict, with what broke and what keeps it from being sure.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the run comes to.
    pub conclusion: Conclusion,
    /// Every budget that was exceeded.
    pub breaches: Vec<Breach>,
    /// Every reason why the measurement cannot support a verdict.
    pub inconclusive: Vec<String>,
    /// How each budget fared with each target or lane that it limits.
    pub results: Vec<BudgetResult>,
}

/// How one budget fared with one target or lane.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetResult {
    /// What the user calls the budget.
    pub budget: String,
    /// The target or the lane.
    pub of: String,
    /// What was allowed.
    pub limit: String,
    /// How it fared.
    pub outcome: Outcome,
}

/// The verdict on what was seen: each budget is held over its stretch of the run.
pub fn judge(seen: &Observations, budgets: &[(Budget, Span)], max_blind: MaxBlind, ending: Ending) -> Verdict {
    let rule = |(budget, window): &(Budget, Span)| {
        let limited = limited(seen, budget.scope, *window).into_iter();
        let (name, limit) = (budget.name.clone(), budget.limit.to_string());
        let ruling = |Limited { of, totals, slot, failed_before }: Limited| {
            let outcome = match budget.limit.hold(&totals, slot) {
                Outcome::Broken(figure) if failed_before => Outcome::Undecided(format!(
                    "{figure}, but it was failing before the event: every probe of the baseline failed"
                )),
                outcome => outcome,
            };
            BudgetResult { budget: name.clone(), of, limit: limit.clone(), outcome }
        };
        limited.map(ruling).collect::<Vec<_>>()
    };
    let results: Vec<_> = budgets.iter().flat_map(rule).collect();
    let breaches: Vec<_> = results.iter().filter_map(BudgetResult::breach).collect();
    let mut inconclusive: Vec<_> = results.iter().filter_map(BudgetResult::doubt).collect();
    for target in seen.target_ids() {
        inconclusive.extend(doubts_of(seen, target, max_blind));
    }
    let conclusion = match ending {
        Ending::Interrupted => Conclusion::Interrupted,
        Ending::CommandFailed => Conclusion::CommandFailed,
        Ending::Complete if !breaches.is_empty() => Conclusion::Fail,
        Ending::Complete if !inconclusive.is_empty() => Conclusion::Inconclusive,
        Ending::Complete => Conclusion::Pass,
    };
    Verdict { conclusion, breaches, inconclusive, results }
}

impl Verdict {
    /// The same verdict, with what else there is to doubt: a run that would have passed is then inconclusive.
    #[must_use]
    pub fn doubted(mut self, inconclusive: Vec<String>) -> Self {
        if !inconclusive.is_empty() && self.conclusion == Conclusion::Pass {
            self.conclusion = Conclusion::Inconclusive;
        }
        self.inconclusive.extend(inconclusive);
        self
    }
}

impl BudgetResult {
    fn breach(&self) -> Option<Breach> {
        let Outcome::Broken(figure) = &self.outcome else { return None };
        let (budget, of, limit) = (self.budget.clone(), self.of.clone(), self.limit.clone());
        Some(Breach { budget, of, figure: figure.clone(), limit })
    }

    fn doubt(&self) -> Option<String> {
        let Outcome::Undecided(why) = &self.outcome else { return None };
        Some(format!("{} of {} on {}: {why}", self.budget, self.limit, self.of))
    }
}

/// Someone whom a budget limits.
struct Limited {
    /// What people call it.
    of: String,
    totals: Totals,
    /// For how long one slot of a lane of it stands.
    slot: Duration,
    /// Every probe of it failed before the event: what failed in it does not tell of the event.
    failed_before: bool,
}

/// The targets or the lane that a budget limits.
fn limited(seen: &Observations, scope: Scope, window: Span) -> Vec<Limited> {
    let limited = |of: String, lanes: Vec<&LaneObservations>| {
        let slot = lanes.first().map_or(Duration::ZERO, |lane| lane.lane.schedule.period());
        let totals = |window| totals::of(&lanes, &seen.held_up, window);
        let baseline = seen.phases.spans(seen.end).find(|(phase, _)| *phase == Phase::Baseline);
        let before = baseline.map(|(_, span)| totals(span));
        let failed_before = before.is_some_and(|before| before.resolved > 0 && before.failed == before.resolved);
        Limited { of, totals: totals(window), slot, failed_before }
    };
    let target = |target: TargetId| limited(seen.target(target).name.clone(), seen.lanes_of(target));
    match scope {
        Scope::EachTarget => seen.target_ids().map(target).collect(),
        Scope::Target(id) => vec![target(id)],
        Scope::Lane(id) => vec![limited(seen.lane_name(id), vec![seen.lane(id)])],
    }
}

/// Why what was seen of a target may support no verdict.
fn doubts_of(seen: &Observations, target: TargetId, max_blind: MaxBlind) -> Vec<String> {
    let name = &seen.target(target).name;
    let mut inconclusive = Vec::new();
    let whole = totals::of_target(seen, target, Span::new(super::time::Offset::ZERO, seen.end));
    if whole.resolved == 0 {
        inconclusive.push(format!("no probe of {name} came to an answer"));
    }
    for (phase, span) in seen.phases.spans(seen.end) {
        let totals = totals::of_target(seen, target, span);
        match phase {
            Phase::Baseline if began_within(seen, target, span) => inconclusive.push(format!(
                "the baseline of {name} is not clean: {} of {} probes failed before the event ({})",
                totals.failed,
                totals.resolved,
                spelt(&totals.classes),
            )),
            Phase::Event => {
                inconclusive.extend(too_blind(&totals, span, max_blind).map(|why| format!("{name}: {why}")));
            }
            Phase::Baseline | Phase::Settle => {}
        }
    }
    for lane in seen.lanes_of(target) {
        let share = share(lane.counts.sent, lane.counts.offered);
        if lane.counts.offered > 0 && share < ENOUGH_SENT {
            inconclusive.push(format!(
                "only {:.1} % of the slots of {} were sent",
                share * 100.0,
                seen.lane_name(lane.id)
            ));
        }
    }
    inconclusive
}

/// Whether an outage of `target` surely began before the event did. Probes that were on their way when that began may have
/// met it, and then say nothing against the baseline.
fn began_within(seen: &Observations, target: TargetId, baseline: Span) -> bool {
    let outages = seen.lanes_of(target).into_iter().flat_map(|lane| &lane.outages);
    outages.into_iter().any(|outage| outage.from < baseline.to && outage.began.1 < baseline.to)
}

fn too_blind(totals: &Totals, span: Span, max: MaxBlind) -> Option<String> {
    let share = totals.blind.as_secs_f64() / span.length().as_secs_f64().max(f64::MIN_POSITIVE);
    let (blind, of) = (Human(totals.blind), Human(span.length()));
    if share > max.share {
        let (share, most) = (share * 100.0, max.share * 100.0);
        return Some(format!("blind for {blind} of the event's {of}: {share:.1} %, allowed: {most} %"));
    }
    let longest = Human(totals.longest_blind);
    (totals.longest_blind > max.stretch)
        .then(|| format!("blind for {longest} at a stretch in the event, allowed: {}", Human(max.stretch)))
}

/// `status 503 x12, reset x1`.
fn spelt(classes: &BTreeMap<Class, u64>) -> String {
    classes.iter().map(|(class, count)| format!("{class} x{count}")).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The budget that holds where none is given: no failed probe at all.
pub fn default_budget() -> Budget {
    Budget { name: "no failed probe".to_owned(), scope: Scope::EachTarget, limit: Limit::Failed(0) }
}

#[cfg(test)]
#[path = "verdict/tests.rs"]
mod tests;
