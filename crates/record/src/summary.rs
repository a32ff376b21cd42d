//! The figures of a run, computed once: every report shows these figures, and runs are compared by them.

use crate::entry::{ActId, RunHeader, Window};
use crate::failure::Failure;
use crate::keep_alive::KeepAliveRace;
use crate::pods::Pod;
use crate::{close_notify, draining};
use lapse_measure::availability;
use lapse_measure::budget::{Budget, WorstShare};
use lapse_measure::disruption::Disruption;
use lapse_measure::disruptions;
use lapse_measure::episode::{self, Episode};
use lapse_measure::lane::{LaneId, TargetId};
use lapse_measure::latency::Distribution;
use lapse_measure::observations::Observations;
use lapse_measure::outage::Outage;
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::totals::{self, Totals};
use lapse_measure::verdict::{self, Breach, Ending, Verdict};
use lapse_measure::version::Versions;

/// The figures of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The targets, by [`TargetId`].
    pub targets: Vec<TargetSummary>,
    /// The lanes, by [`LaneId`].
    pub lanes: Vec<LaneSummary>,
    /// The acts of the scenario, by [`ActId`]; empty where the run was none.
    pub acts: Vec<ActSummary>,
    /// The pods that ended or answered, as far as anything reported them.
    pub pods: Vec<Pod>,
    /// How every budget fared, and what follows.
    pub verdict: Verdict,
    /// Notes that are no reason to doubt the verdict.
    pub notes: Vec<String>,
}

/// The figures of a target.
#[derive(Clone, Debug)]
pub struct TargetSummary {
    /// The id of the target.
    pub id: TargetId,
    /// The name of the target, from the user or its URL.
    pub name: String,
    /// The URL that its probes ask for.
    pub url: String,
    /// The lanes of the target, in order.
    pub lanes: Vec<LaneId>,
    /// The totals of its lanes over the whole run.
    pub totals: Totals,
    /// The totals of its lanes in each phase, in the order of time.
    pub phases: Vec<PhaseSummary>,
    /// The episodes of its lanes, in the order of time.
    pub episodes: Vec<Episode>,
    /// The target's disruptions, over all of its lanes, in the order of time.
    pub disruptions: Vec<Disruption>,
    /// The largest share of its probes that failed in any stretch of a width, by width.
    pub worst_shares: Vec<WorstShare>,
    /// The longest stretch without a success although probes were on their way; `None` if nothing was sent.
    pub success_gap: Option<Span>,
    /// The keep-alive race that explains all failures of the target, if one does.
    pub keep_alive_race: Option<KeepAliveRace>,
    /// The versions that its answers name; `None` unless the run tells them apart (`--version-header`).
    pub versions: Option<Versions>,
}

/// The figures of a target in one phase of the run.
#[derive(Clone, Debug)]
pub struct PhaseSummary {
    /// The phase.
    pub phase: Phase,
    /// The stretch from the phase's beginning to that of the next phase, or to the end of the run.
    pub span: Span,
    /// The totals of the target in the phase.
    pub totals: Totals,
    /// The time from due to done of healthy answers, for probes due in the phase.
    pub latency: Distribution,
}

/// The figures of a lane.
#[derive(Clone, Debug)]
pub struct LaneSummary {
    /// The id of the lane.
    pub id: LaneId,
    /// The target that the lane probes.
    pub target: TargetId,
    /// The name of the lane in reports: `new`, or `shop/new` where there are several targets.
    pub name: String,
}

/// The figures of an act.
#[derive(Clone, Debug)]
pub struct ActSummary {
    /// The id of the act.
    pub id: ActId,
    /// The name of the act in the scenario.
    pub name: String,
    /// The stretch from the phase's beginning to that of the next phase, or to the end of the run.
    pub span: Span,
    /// The totals of each target in it, by [`TargetId`].
    pub totals: Vec<Totals>,
    /// Whether it cost what the scenario expects.
    pub outcome: ActOutcome,
}

/// Whether an act cost what its scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActOutcome {
    /// The scenario expects nothing of it.
    NoBudget,
    /// Each of its budgets held.
    AsExpected,
    /// A budget did not hold.
    NotAsExpected(Breach),
    /// The measurement supports no verdict on the expectation.
    Undecided,
}

/// The parts of a record, besides the observations, that a summary is made of.
pub(crate) struct Rest {
    pub(crate) acts: Vec<Act>,
    pub(crate) pods: Vec<Pod>,
    /// By target; empty unless the run tells versions apart.
    pub(crate) versions: Vec<Versions>,
    pub(crate) notes: Vec<String>,
    pub(crate) inconclusive: Vec<String>,
    pub(crate) ending: Ending,
}

/// An act before it is summed up.
pub(crate) struct Act {
    pub(crate) name: String,
    pub(crate) span: Span,
}

impl Summary {
    /// Sums a run up. `kept` are the failures that were kept one by one.
    pub(crate) fn of(about: &RunHeader, seen: &Observations, kept: &[Failure], rest: Rest) -> Self {
        let verdict = verdict::judge(seen, &budgets(about, seen, &rest.acts), about.rules, rest.ending)
            .doubted(rest.inconclusive);
        let mut versions = rest.versions.into_iter();
        let target = |id| TargetSummary { versions: versions.next(), ..TargetSummary::of(about, seen, kept, id) };
        let targets: Vec<_> = seen.target_ids().map(target).collect();
        let unclosed = targets.iter().filter_map(|target| close_notify::note(target, kept));
        let draining = targets.iter().filter_map(|target| draining::note(target, seen));
        let notes =
            rest.notes.into_iter().chain(verdict.notes.iter().cloned()).chain(unclosed).chain(draining).collect();
        let acts = rest.acts.into_iter().enumerate();
        let lane = |id: LaneId| LaneSummary { id, target: seen.lane(id).lane.target, name: seen.lane_name(id) };
        Self {
            targets,
            lanes: seen.lanes.iter().map(|observed| lane(observed.id)).collect(),
            acts: acts.map(|(nth, act)| ActSummary::of(about, seen, ActId(nth), act)).collect(),
            pods: rest.pods,
            verdict,
            notes,
        }
    }

    /// The target of this id.
    pub fn target(&self, id: TargetId) -> &TargetSummary {
        &self.targets[id.0]
    }

    /// The lane of this id.
    pub fn lane(&self, id: LaneId) -> &LaneSummary {
        &self.lanes[id.0]
    }

    /// The episodes of all targets.
    pub fn episodes(&self) -> impl Iterator<Item = (&TargetSummary, &Episode)> {
        self.targets.iter().flat_map(|target| target.episodes.iter().map(move |episode| (target, episode)))
    }
}

impl TargetSummary {
    fn of(about: &RunHeader, seen: &Observations, kept: &[Failure], id: TargetId) -> Self {
        let lanes = seen.lanes_of(id);
        let totals = |window| totals::of(&lanes, &seen.held_up, window);
        let phase = |(nth, (phase, span)): (usize, (Phase, Span))| {
            let mut latency = Distribution::fine();
            lanes.iter().filter_map(|lane| lane.latency.get(nth)).for_each(|of_lane| latency.add(of_lane));
            PhaseSummary { phase, span, totals: totals(span), latency }
        };
        let target = seen.target(id);
        Self {
            id,
            name: target.name.clone(),
            url: about.targets.get(id.0).map(|target| target.url.clone()).unwrap_or_default(),
            lanes: lanes.iter().map(|lane| lane.id).collect(),
            totals: totals(Span::new(Offset::ZERO, seen.end)),
            phases: seen.phases.spans(seen.end).enumerate().map(phase).collect(),
            episodes: episode::find(&lanes),
            disruptions: disruptions::merged(&lanes),
            worst_shares: availability::worst_shares(&lanes, Span::new(Offset::ZERO, seen.end)),
            success_gap: target.success_gap,
            keep_alive_race: KeepAliveRace::find(&lanes, kept),
            versions: None,
        }
    }
}

impl ActSummary {
    fn of(about: &RunHeader, seen: &Observations, id: ActId, Act { name, span }: Act) -> Self {
        let totals = seen.target_ids().map(|target| totals::of_target(seen, target, span)).collect();
        let budgets = about.budgets.iter().filter(|(_, window)| *window == Window::Act(id));
        let budgets: Vec<_> = budgets.map(|(budget, _)| (budget.clone(), span)).collect();
        let judge = |budgets: &[_]| verdict::judge(seen, budgets, about.rules, Ending::Complete);
        let Verdict { breaches, inconclusive, .. } = judge(&budgets);
        let outcome = if budgets.is_empty() {
            ActOutcome::NoBudget
        } else if let Some(first) = breaches.into_iter().next() {
            ActOutcome::NotAsExpected(first)
        } else if inconclusive.len() > judge(&[]).inconclusive.len() {
            ActOutcome::Undecided
        } else {
            ActOutcome::AsExpected
        };
        Self { id, name, span, totals, outcome }
    }
}

/// The first breach that nothing to come can undo.
pub(crate) fn lasting_breach(about: &RunHeader, seen: &Observations, acts: &[Act]) -> Option<Breach> {
    verdict::lasting_breach(seen, &budgets(about, seen, acts), about.rules)
}

/// The budgets of the run, each with the stretch that it is held over.
fn budgets(about: &RunHeader, seen: &Observations, acts: &[Act]) -> Vec<(Budget, Span)> {
    let over = |(budget, window): &(Budget, Window)| (budget.clone(), reach_back(seen, span(*window, seen, acts)));
    about.budgets.iter().map(over).collect()
}

/// The stretch of the run that a budget is held over.
fn span(window: Window, seen: &Observations, acts: &[Act]) -> Span {
    match window {
        Window::Judged => seen.phases.judged(seen.end),
        // An act that never began is judged by nothing: what it expects to lose, it did not.
        Window::Act(act) => acts.get(act.0).map_or(Span::new(seen.end, seen.end), |act| act.span),
    }
}

/// The span over which budgets are checked.
pub(crate) fn judged(seen: &Observations) -> Span {
    reach_back(seen, seen.phases.judged(seen.end))
}

/// The window, begun early enough to include an outage whose probes were under way when the window began: the cause of
/// their failure may lie in it.
fn reach_back(seen: &Observations, window: Span) -> Span {
    let outages = seen.lanes.iter().flat_map(|lane| &lane.outages);
    let met_it = |outage: &&Outage| outage.from < window.from && outage.began.1 >= window.from;
    Span::new(outages.filter(met_it).map(|outage| outage.from).fold(window.from, Offset::min), window.to)
}
