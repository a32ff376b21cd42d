//! Budgets from the command line or from a scenario's expectations: their scopes, and checks for contradictions.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use super::value::{self, Scoped};
use lapse_lab::scenario::Scenario;
use lapse_lab::scenario::expect::{Amount, Expect};
use lapse_measure::answer::Class;
use lapse_measure::budget::{Budget, Limit, Scope};
use lapse_measure::held::limit::StreamLimit;
use lapse_measure::lane::{LaneId, Policy, TargetId};
use lapse_measure::verdict::{self, MaxBlind};
use lapse_record::entry::{ActId, Window};

const BUDGETS: &str = "Budgets (with none of them: no failed probe at all)";

/// The flags that a verdict goes by, of `lapse run` and of `lapse report`.
#[derive(Debug, Args)]
pub(super) struct BudgetArgs {
    /// Allowed downtime: failed probes times their period, averaged over lanes [repeatable; e.g. 1s].
    #[arg(long, value_name = "[LANE=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_downtime: Vec<Scoped<Duration>>,
    /// Allowed length of a single disruption, whatever share of the probes it lost [repeatable; e.g. new=300ms].
    #[arg(long, value_name = "[LANE=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_outage: Vec<Scoped<Duration>>,
    /// Allowed length of a single strict outage, in which every probe of a lane failed [repeatable; e.g. new=100ms].
    #[arg(long, value_name = "[LANE=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_strict_outage: Vec<Scoped<Duration>>,
    /// Failures no further apart than this, or than three periods of their lane, are one disruption [default: 300ms;
    /// e.g. 50ms].
    #[arg(long, value_name = "TIME", value_parser = value::duration, help_heading = BUDGETS)]
    pub(super) gate: Option<Duration>,
    /// Allowed time in which every lane fails at once [repeatable; e.g. 100ms].
    #[arg(long, value_name = "[TARGET=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_down: Vec<Scoped<Duration>>,
    /// Allowed failed probes, as a count, a percentage, or the percentage of the worst stretch of a length [repeatable;
    /// e.g. 0.1%, 5%/1s].
    #[arg(long, value_name = "[LANE=]N|P%|P%/TIME", value_parser = value::scoped(value::failed), help_heading = BUDGETS)]
    pub(super) max_failed: Vec<Scoped<Limit>>,
    /// The least availability by requests [repeatable; e.g. 99.9%].
    #[arg(long, value_name = "[LANE=]P%", value_parser = value::scoped(value::share), help_heading = BUDGETS)]
    pub(super) min_availability: Vec<Scoped<f64>>,
    /// Allowed time in which any lane is slow [repeatable; e.g. 2s].
    #[arg(long, value_name = "[LANE=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_slow: Vec<Scoped<Duration>>,
    /// Allowed drops of held streams, as a count, or the percentage of them that may be dropped [repeatable; e.g. 10%].
    #[arg(long, value_name = "[TARGET=]N|P%", value_parser = value::scoped(value::dropped), help_heading = BUDGETS)]
    pub(super) max_dropped: Vec<Scoped<StreamLimit>>,
    /// Allowed time without a message in any place of held streams, reconnecting included [repeatable; e.g. 5s].
    #[arg(long, value_name = "[TARGET=]TIME", value_parser = value::scoped(value::duration), help_heading = BUDGETS)]
    pub(super) max_silence: Vec<Scoped<Duration>>,
    /// Disruptions that were surely shorter than this do not count against any budget [e.g. 5ms].
    #[arg(long, value_name = "TIME", value_parser = value::duration, help_heading = BUDGETS)]
    pub(super) ignore_shorter_than: Option<Duration>,
    /// The outage that the run has to be able to see: a budget that counts probes holds only if no longer one could
    /// have gone unseen [default: 100ms, for a scenario 1s; e.g. 20ms].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, help_heading = BUDGETS)]
    pub(super) resolution: Option<Duration>,
    /// How much of the event may be blind, in total and at a stretch, before the run is inconclusive [default: no such
    /// limit; e.g. 5%,1s].
    #[arg(long, value_name = "P%,TIME", value_parser = value::max_blind, help_heading = BUDGETS)]
    pub(super) max_blind: Option<MaxBlind>,
}

/// A set of defaults for the verdict on a recorded run, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProfileName {
    /// A gate of 50 ms.
    Carrier,
}

/// The gate of the profile `carrier`: the time within which a carrier's network switches to its spare path (ITU-T
/// G.841).
pub(super) const CARRIER_GATE: Duration = Duration::from_millis(50);

impl ProfileName {
    /// The gate of the profile.
    pub(super) const fn gate(self) -> Duration {
        match self {
            Self::Carrier => CARRIER_GATE,
        }
    }
}

impl BudgetArgs {
    /// Whether a budget was typed.
    pub(super) fn has_a_budget(&self) -> bool {
        let times = [&self.max_downtime, &self.max_outage, &self.max_strict_outage, &self.max_down, &self.max_slow];
        times.iter().any(|typed| !typed.is_empty())
            || !self.max_failed.is_empty()
            || !self.min_availability.is_empty()
            || !self.max_dropped.is_empty()
            || !self.max_silence.is_empty()
    }
}

/// The target and lane names that a budget may be limited to.
struct Names<'a> {
    targets: &'a [String],
    policies: &'a [Policy],
}

impl Names<'_> {
    /// The targets and lanes that `of` selects: `new` is that lane of every target.
    fn scopes(&self, of: Option<&str>) -> Option<Vec<Scope>> {
        let Some(of) = of else { return Some(vec![Scope::EachTarget]) };
        let lane = |target: usize, policy: usize| Scope::Lane(LaneId(target * self.policies.len() + policy));
        let policy = |name: &str| self.policies.iter().position(|policy| policy.to_string() == name);
        let target = |name: &str| self.targets.iter().position(|target| target == name);
        if let Some(place) = target(of) {
            return Some(vec![Scope::Target(TargetId(place))]);
        }
        if let Some(place) = policy(of) {
            return Some((0..self.targets.len()).map(|target| lane(target, place)).collect());
        }
        let (of_target, of_policy) = of.rsplit_once('/')?;
        Some(vec![lane(target(of_target)?, policy(of_policy)?)])
    }

    fn all(&self) -> String {
        let policies = self.policies.iter().map(ToString::to_string);
        let all: Vec<_> = self.targets.iter().cloned().chain(policies).collect();
        all.join(", ")
    }
}

/// The budgets of a run: those typed, else those of the scenario, else no failed probe at all.
pub(super) fn of(
    args: &BudgetArgs,
    targets: &[String],
    policies: &[Policy],
    scenario: Option<&Scenario>,
) -> Result<Vec<(Budget, Window)>> {
    let names = Names { targets, policies };
    let typed = typed(args, &names)?;
    match scenario {
        _ if !typed.is_empty() => Ok(typed),
        Some(scenario) => expected(scenario, &names),
        None => Ok(vec![(verdict::default_budget(), Window::Judged)]),
    }
}

/// The budgets that were typed, for a recorded run with these targets and policies.
pub(super) fn for_recorded(
    args: &BudgetArgs,
    targets: &[String],
    policies: &[Policy],
) -> Result<Vec<(Budget, Window)>> {
    typed(args, &Names { targets, policies })
}

fn typed(args: &BudgetArgs, names: &Names<'_>) -> Result<Vec<(Budget, Window)>> {
    let mut typed = Vec::new();
    add(&mut typed, names, "--max-downtime", &args.max_downtime, |limit| Limit::Downtime(*limit))?;
    add(&mut typed, names, "--max-outage", &args.max_outage, |limit| Limit::Disruption(*limit))?;
    add(&mut typed, names, "--max-strict-outage", &args.max_strict_outage, |limit| Limit::Outage(*limit))?;
    add(&mut typed, names, "--max-down", &args.max_down, |limit| Limit::Down(*limit))?;
    add(&mut typed, names, "--max-failed", &args.max_failed, Clone::clone)?;
    add(&mut typed, names, "--min-availability", &args.min_availability, |limit| Limit::Availability(*limit))?;
    add(&mut typed, names, "--max-slow", &args.max_slow, |limit| Limit::Slow(*limit))?;
    add(&mut typed, names, "--max-dropped", &args.max_dropped, |limit| Limit::Streams(*limit))?;
    add(&mut typed, names, "--max-silence", &args.max_silence, |limit| Limit::Streams(StreamLimit::Silence(*limit)))?;
    consistent(&typed)?;
    Ok(typed.into_iter().map(|budget| (budget, Window::Judged)).collect())
}

fn add<T>(
    budgets: &mut Vec<Budget>,
    names: &Names<'_>,
    flag: &str,
    typed: &[Scoped<T>],
    limit: fn(&T) -> Limit,
) -> Result<()> {
    for Scoped { of, value } in typed {
        let unknown = || {
            format!("{flag}: there is no target or lane {:?}: there are {}", of.as_deref().unwrap_or(""), names.all())
        };
        for scope in names.scopes(of.as_deref()).with_context(unknown)? {
            let limit = limit(value);
            ensure!(
                !matches!((&limit, scope), (Limit::Streams(_), Scope::Lane(_))),
                "{flag}: held streams are in no lane: name a target"
            );
            let same =
                |other: &&Budget| other.name == flag && other.scope == scope && is_same_kind(&other.limit, &limit);
            let twice = budgets.iter().find(same);
            ensure!(
                twice.is_none_or(|other| other.limit == limit),
                "{flag} is given twice, with different limits: leave one out"
            );
            budgets.push(Budget { name: flag.to_owned(), scope, limit });
        }
    }
    Ok(())
}

/// Whether two limits are of the same figure: a share of all probes and one of any second are two.
fn is_same_kind(one: &Limit, other: &Limit) -> bool {
    match (one, other) {
        (Limit::Streams(one), Limit::Streams(other)) => std::mem::discriminant(one) == std::mem::discriminant(other),
        (Limit::FailedWithin(one), Limit::FailedWithin(other)) => one.width == other.width,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// Refuses a set of budgets of which one can never matter: that is a slip, and would only be noticed after an incident.
fn consistent(budgets: &[Budget]) -> Result<()> {
    let allows_something = |budget: &&Budget| match &budget.limit {
        Limit::Downtime(limit) | Limit::Disruption(limit) | Limit::Outage(limit) | Limit::Down(limit) => {
            !limit.is_zero()
        }
        Limit::Availability(least) => *least < 1.0,
        _ => false,
    };
    for nothing in budgets.iter().filter(|budget| matches!(budget.limit, Limit::Failed(0))) {
        if let Some(other) = budgets.iter().filter(allows_something).find(|other| other.scope == nothing.scope) {
            bail!(
                "{} 0 allows no failed probe, so {} {} contradicts it: leave one of them out",
                nothing.name,
                other.name,
                other.limit
            );
        }
    }
    for budget in budgets {
        let Limit::FailedShare(most) = budget.limit else { continue };
        let same = |other: &&Budget| {
            other.scope == budget.scope
                && matches!(other.limit, Limit::Availability(least) if (1.0 - least - most).abs() > 1e-9)
        };
        if let Some(other) = budgets.iter().find(same) {
            bail!(
                "{} {} and {} {} limit the same thing differently: leave one of them out",
                budget.name,
                budget.limit,
                other.name,
                other.limit
            );
        }
    }
    Ok(())
}

/// The expectations of the scenario's acts as budgets, each limited to its act.
fn expected(scenario: &Scenario, names: &Names<'_>) -> Result<Vec<(Budget, Window)>> {
    let mut budgets = Vec::new();
    for (place, act) in scenario.acts().iter().enumerate() {
        let name = format!("the scenario expects of {:?}", act.name);
        for (scope, limit) in limits(&act.expect, names).with_context(|| format!("the act {:?}", act.name))? {
            budgets.push((Budget { name: name.clone(), scope, limit }, Window::Act(ActId(place))));
        }
    }
    Ok(budgets)
}

fn limits(expect: &Expect, names: &Names<'_>) -> Result<Vec<(Scope, Limit)>> {
    let amount = |amount: Amount| match amount {
        Amount::None => Some(Limit::Failed(0)),
        Amount::Some => Some(Limit::Loss),
        Amount::Any => None,
    };
    let mut limits: Vec<_> = amount(expect.lost).map(|limit| (Scope::EachTarget, limit)).into_iter().collect();
    let lanes: &BTreeMap<_, _> = &expect.lanes;
    for (lane, of_lane) in lanes {
        // A scenario may have an expectation for a lane that this run leaves out.
        let scopes = names.scopes(Some(lane)).unwrap_or_default();
        limits.extend(scopes.into_iter().filter_map(|scope| Some((scope, amount(*of_lane)?))));
    }
    if !expect.classes.is_empty() {
        let class =
            |name: &String| Class::from_str(name).map_err(|()| anyhow::anyhow!("{name:?} is no class of answer"));
        let classes = expect.classes.iter().map(class).collect::<Result<_>>()?;
        limits.push((Scope::EachTarget, Limit::Only(classes)));
    }
    if let Some(span) = &expect.downtime {
        limits.push((Scope::EachTarget, Limit::Impaired(span.low(), span.high())));
    }
    Ok(limits)
}
