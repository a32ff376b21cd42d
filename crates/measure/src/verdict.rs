//! From what was seen and what it might cost to one verdict, which a script can act on.
//!
//! A failure that was seen is one, however much was not seen: fail beats inconclusive.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::binomial::Share;
use super::budget::{Budget, Limit, Outcome, Scope};
use super::disruption::Disruption;
use super::held::limit::StreamLimit;
use super::lane::TargetId;
use super::observations::{LaneObservations, Observations, TargetObservations};
use super::outage::Outage;
use super::phase::Phase;
use super::ruling::Measured;
use super::span::Span;
use super::time::{Bounded, Human, Offset};
use super::totals::{self, Totals};

/// The conclusion of a run.
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

/// The outage that a run has to be able to see where its budgets name no length.
pub const RESOLUTION: Duration = Duration::from_millis(100);

/// The rules of a verdict besides its budgets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// A budget that counts probes holds only if no outage longer than this could have gone unseen.
    pub resolution: Duration,
    /// Disruptions that were surely shorter than this do not count.
    pub ignore_shorter_than: Duration,
    /// How much of the event may be blind, where that is limited.
    pub max_blind: Option<MaxBlind>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { resolution: RESOLUTION, ignore_shorter_than: Duration::ZERO, max_blind: None }
    }
}

/// How much of the event may be blind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxBlind {
    /// The share of the event, from 0 to 1.
    pub share: f64,
    /// The longest single stretch.
    pub stretch: Duration,
}

/// A budget that was exceeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The budget's name: its flag, or the part of a scenario.
    pub budget: String,
    /// The target or the lane: `shop` or `shop/new`.
    pub of: String,
    /// The measured value with its bounds, as text for reports.
    pub figure: String,
    /// The budget's limit, as text for reports.
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
    /// The result of the run, which decides the exit code.
    pub conclusion: Conclusion,
    /// Every budget that was exceeded.
    pub breaches: Vec<Breach>,
    /// Every reason why the measurement cannot support a verdict.
    pub inconclusive: Vec<String>,
    /// How each budget fared with each target or lane that it limits.
    pub results: Vec<BudgetResult>,
    /// Remarks on the verdict: the noise before the event, failures that were not counted.
    pub notes: Vec<String>,
}

/// How one budget fared with one target or lane.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetResult {
    /// The budget's name: its flag, or the part of a scenario.
    pub budget: String,
    /// The target or the lane.
    pub of: String,
    /// The budget's limit, as text for reports.
    pub limit: String,
    /// Whether the budget held.
    pub outcome: Outcome,
}

/// The verdict on what was seen: each budget is held over its stretch of the run.
pub fn judge(seen: &Observations, budgets: &[(Budget, Span)], rules: Rules, ending: Ending) -> Verdict {
    let is_short = |length: Bounded| length.at_most.is_some_and(|at_most| at_most < rules.ignore_shorter_than);
    let (seen, ignored) = ignoring(seen, rules.ignore_shorter_than, is_short);
    let results: Vec<_> = budgets.iter().flat_map(|budget| results(&seen, budget, rules)).collect();
    let breaches: Vec<_> = results.iter().filter_map(BudgetResult::breach).collect();
    let mut inconclusive: Vec<_> = results.iter().filter_map(BudgetResult::doubt).collect();
    for target in seen.target_ids() {
        inconclusive.extend(doubts_of(&seen, target, rules.max_blind));
    }
    let conclusion = match ending {
        Ending::Interrupted => Conclusion::Interrupted,
        Ending::CommandFailed => Conclusion::CommandFailed,
        Ending::Complete if !breaches.is_empty() => Conclusion::Fail,
        Ending::Complete if !inconclusive.is_empty() => Conclusion::Inconclusive,
        Ending::Complete => Conclusion::Pass,
    };
    let notes = ignored.into_iter().chain(seen.target_ids().filter_map(|target| noise(&seen, target))).collect();
    Verdict { conclusion, breaches, inconclusive, results, notes }
}

/// The first breach that nothing after what was seen can undo, in which no slot may be left out.
///
/// A disruption that may yet turn out to be shorter than the ignored ones breaks nothing so far.
pub fn lasting_breach(seen: &Observations, budgets: &[(Budget, Span)], rules: Rules) -> Option<Breach> {
    let shortest = rules.ignore_shorter_than;
    let (seen, _) = ignoring(seen, shortest, |length| length.at_least < shortest);
    let breach = |budget: &(Budget, Span)| {
        let mut of_budget = measured(&seen, budget, rules).into_iter();
        let lasting = |measured: Measured<'_>| {
            let lasts = measured.lasts(&budget.0.limit);
            result(measured, &budget.0).breach().filter(|_| lasts)
        };
        of_budget.find_map(lasting)
    };
    budgets.iter().find_map(breach)
}

/// How a budget fares with each target or lane that it limits.
fn results(seen: &Observations, budget: &(Budget, Span), rules: Rules) -> Vec<BudgetResult> {
    if let Limit::Streams(limit) = &budget.0.limit {
        return results_of_streams(seen, &budget.0, limit);
    }
    measured(seen, budget, rules).into_iter().map(|measured| result(measured, &budget.0)).collect()
}

fn result(measured: Measured<'_>, budget: &Budget) -> BudgetResult {
    let outcome = measured.rule(&budget.limit);
    BudgetResult { budget: budget.name.clone(), of: measured.of, limit: budget.limit.to_string(), outcome }
}

/// How a budget of held streams fares with each target that it limits; lanes have none.
fn results_of_streams(seen: &Observations, budget: &Budget, limit: &StreamLimit) -> Vec<BudgetResult> {
    let result = |target: TargetId| {
        let TargetObservations { name, held, .. } = seen.target(target);
        let outcome = limit.rule(held.as_ref(), seen.phases.judged(seen.end));
        BudgetResult { budget: budget.name.clone(), of: name.clone(), limit: limit.to_string(), outcome }
    };
    match budget.scope {
        Scope::EachTarget => seen.target_ids().map(result).collect(),
        Scope::Target(id) => vec![result(id)],
        Scope::Lane(_) => Vec::new(),
    }
}

/// What was measured of each target or lane that a budget limits.
fn measured<'a>(seen: &'a Observations, (budget, window): &(Budget, Span), rules: Rules) -> Vec<Measured<'a>> {
    let measured = |of: String, lanes: Vec<&'a LaneObservations>| {
        let windows = (*window, baseline(seen, &lanes));
        Measured::new(of, lanes, &seen.held_up, windows, rules.resolution)
    };
    let target = |target: TargetId| measured(seen.target(target).name.clone(), seen.lanes_of(target));
    match budget.scope {
        Scope::EachTarget => seen.target_ids().map(target).collect(),
        Scope::Target(id) => vec![target(id)],
        Scope::Lane(id) => vec![measured(seen.lane_name(id), vec![seen.lane(id)])],
    }
}

/// The baseline, up to the first probe that was on its way when the event began and failed: it may have met the event.
fn baseline(seen: &Observations, lanes: &[&LaneObservations]) -> Option<Span> {
    let (_, span) = seen.phases.spans(seen.end).find(|(phase, _)| *phase == Phase::Baseline)?;
    let met_the_event = |outage: &&Outage| outage.from < span.to && outage.began.1 >= span.to;
    let outages = lanes.iter().flat_map(|lane| &lane.outages).filter(met_the_event);
    Some(Span::new(span.from, outages.map(|outage| outage.from).fold(span.to, Offset::min)))
}

/// A note on the share that a target lost before the event, beside the share lost from then on.
fn noise(seen: &Observations, target: TargetId) -> Option<String> {
    let lanes = seen.lanes_of(target);
    let before = totals::of(&lanes, &seen.held_up, baseline(seen, &lanes)?);
    let since = totals::of(&lanes, &seen.held_up, seen.phases.judged(seen.end));
    let rate = |totals: &Totals| {
        let share = Share::of(totals.failed, totals.resolved);
        let [lost, low, high] = [share.estimate, share.low, share.high].map(|share| share * 100.0);
        format!("{lost:.2} % ({low:.2} to {high:.2})")
    };
    (before.failed > 0).then(|| {
        let name = &seen.target(target).name;
        format!("before the event {name} lost {} of its probes, from then on {}", rate(&before), rate(&since))
    })
}

/// The observations without the disruptions that are short by their length, and a note on those left out. None is if
/// `shortest` is zero.
fn ignoring(
    seen: &Observations,
    shortest: Duration,
    is_short: impl Fn(Bounded) -> bool,
) -> (Cow<'_, Observations>, Option<String>) {
    if shortest.is_zero() {
        return (Cow::Borrowed(seen), None);
    }
    let mut seen = seen.clone();
    let (mut disruptions, mut failed) = (0, 0);
    for lane in &mut seen.lanes {
        let short = |one: &Disruption| is_short(one.length());
        let (ignored, kept) = std::mem::take(&mut lane.disruptions).into_iter().partition::<Vec<_>, _>(short);
        lane.disruptions = kept;
        let within = |at: Offset| {
            let next = ignored.partition_point(|one| one.from <= at);
            next.checked_sub(1).is_some_and(|last| at <= ignored[last].to)
        };
        lane.outages.retain(|outage| !within(outage.from));
        lane.timeline.forgive(within);
        disruptions += ignored.len();
        failed += ignored.iter().map(|one| one.failed).sum::<u64>();
    }
    let shortest = Human(shortest);
    let note = (disruptions > 0).then(|| {
        format!("not counted against budgets: {disruptions} disruptions shorter than {shortest}, {failed} failed probes in all")
    });
    (Cow::Owned(seen), note)
}

impl Verdict {
    /// The reasons for doubt that would hold whatever the budgets were: a rollout that stalled, a rate that was not kept.
    pub fn beyond_budgets(&self) -> impl Iterator<Item = &String> {
        let of_budgets: Vec<_> = self.results.iter().filter_map(BudgetResult::doubt).collect();
        self.inconclusive.iter().filter(move |reason| !of_budgets.contains(reason))
    }

    /// The same verdict with more reasons for doubt: a run that would have passed is then inconclusive.
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
        // A budget that is called by its limit is not named twice.
        let name =
            if self.budget == self.limit { self.limit.clone() } else { format!("{} {}", self.budget, self.limit) };
        Some(format!("{name} on {}: {why}", self.of))
    }
}

/// Why what was seen of a target may support no verdict, whatever the budgets are.
fn doubts_of(seen: &Observations, target: TargetId, max_blind: Option<MaxBlind>) -> Vec<String> {
    let name = &seen.target(target).name;
    let mut inconclusive = Vec::new();
    let whole = totals::of_target(seen, target, Span::new(Offset::ZERO, seen.end));
    if whole.resolved == 0 {
        inconclusive.push(format!("no probe of {name} came to an answer"));
    }
    let event = seen.phases.spans(seen.end).filter(|(phase, _)| *phase == Phase::Event);
    for (_, span) in event.filter(|_| max_blind.is_some()) {
        let totals = totals::of_target(seen, target, span);
        let why = max_blind.and_then(|max_blind| too_blind(&totals, span, max_blind));
        inconclusive.extend(why.map(|why| format!("{name}: {why}")));
    }
    for lane in seen.lanes_of(target) {
        if lane.could_not_keep_its_rate() {
            inconclusive.push(format!(
                "the rate was more than the prober could keep: {:.1} % of the slots of {} were not sent: lower --rate",
                lane.share_shed() * 100.0,
                seen.lane_name(lane.id)
            ));
        }
    }
    inconclusive
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

/// The budget that holds where none is given: no failed probe at all.
pub fn default_budget() -> Budget {
    Budget { name: "no failed probe".to_owned(), scope: Scope::EachTarget, limit: Limit::Failed(0) }
}

#[cfg(test)]
#[path = "verdict/tests.rs"]
mod tests;
