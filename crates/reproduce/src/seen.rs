//! What is looked at of a run: one target in one stretch, with the pods that ended and started in it, step by step.

use std::time::Duration;

use lapse_explain::world::{PodLife, World};
use lapse_measure::answer::{Class, Health};
use lapse_measure::lane::Policy;
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::timeline::Cell;
use lapse_record::event::detail::Detail;
use lapse_record::failure::Failure;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Deletions no further apart are one step of a rollout.
const TOGETHER: Duration = Duration::from_millis(300);
/// How far before a deletion the failures may begin that follow from it: a watch hears of it late.
const EARLY: Duration = Duration::from_millis(50);
/// The most pods that are looked at, of those that ended and of those that started: no world of the lab has more, and a
/// journal may name tens of thousands.
const MAX_PODS: usize = 200;
/// A pod that joined the endpoints this short before a deletion is in no hop's list yet.
const NOT_LISTED: Duration = Duration::from_millis(200);

/// A target in a stretch of a run.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) record: &'a Record,
    pub(crate) world: &'a World<'a>,
    pub(crate) target: &'a TargetSummary,
    pub(crate) window: Span,
    pub(crate) lanes: Vec<&'a LaneObservations>,
    /// The failures of the target in the stretch that were kept with their evidence, by when they were sent.
    pub(crate) failures: Vec<&'a Failure>,
    /// The pods that were deleted in the stretch, in the order of that.
    pub(crate) old: Vec<&'a PodLife<'a>>,
    /// The pods that were created in the stretch, in the order of that.
    pub(crate) young: Vec<&'a PodLife<'a>>,
    /// When the rollout began and when it was rolled back; `None` if it was not.
    pub(crate) rollback: Option<(Offset, Offset)>,
}

/// Pods that were deleted together, and what failed until the next were.
#[derive(Debug)]
pub(crate) struct Step<'s, 'a> {
    /// When the first of them was deleted.
    pub(crate) at: Offset,
    /// The pods.
    pub(crate) pods: &'s [&'a PodLife<'a>],
    /// The pods that hops listed at the time, these included.
    pub(crate) listed: usize,
    /// The failures from then to the next step, by when they were sent.
    pub(crate) failures: &'s [&'a Failure],
    /// When the next step began, or the stretch ended.
    pub(crate) to: Offset,
    /// Whether no other step follows.
    pub(crate) is_last: bool,
}

impl Step<'_, '_> {
    /// Whether other pods than these were listed, so that only a share of the requests could be lost.
    pub(crate) fn leaves_some(&self) -> bool {
        self.listed > self.pods.len()
    }

    /// The first failure of this step that is of such a class.
    pub(crate) fn first(&self, is: impl Fn(Class) -> bool) -> Option<&Failure> {
        self.failures.iter().copied().find(|one| is(one.probe.class))
    }

    /// How long after its beginning a failure was sent.
    pub(crate) fn after(&self, failure: &Failure) -> Duration {
        failure.probe.sent.since(self.at)
    }
}

impl<'a> Seen<'a> {
    /// The target in this stretch of the run.
    pub(crate) fn of(record: &'a Record, world: &'a World<'a>, target: &'a TargetSummary, window: Span) -> Self {
        let inside = |at: Offset| window.from.back(EARLY) <= at && at <= window.to;
        let is_ours = |one: &&Failure| target.lanes.contains(&one.lane) && inside(one.probe.sent);
        let mut failures: Vec<_> = record.failures.kept.iter().filter(is_ours).collect();
        failures.sort_by_key(|one| one.probe.sent);
        let mut old: Vec<_> = world.pods.iter().filter(|pod| pod.deleting.is_some_and(inside)).collect();
        old.sort_by_key(|pod| pod.deleting);
        let mut young: Vec<_> = world.pods.iter().filter(|pod| pod.created.is_some_and(inside)).collect();
        young.sort_by_key(|pod| pod.created);
        old.truncate(MAX_PODS);
        young.truncate(MAX_PODS);
        let rollback = rollback(world, window);
        if let Some((_, back)) = rollback {
            young.retain(|pod| pod.created.is_some_and(|created| created < back));
            old.retain(|pod| !young.iter().any(|young| young.name == pod.name));
        }
        // A pod that came and went in the stretch was neither there before nor there in the end.
        let both: Vec<_> = young.iter().filter(|pod| pod.deleting.is_some()).map(|pod| pod.name).collect();
        let passing = |pod: &&PodLife<'_>| !both.contains(&pod.name);
        if old.iter().any(passing) && young.iter().any(passing) {
            old.retain(passing);
            young.retain(passing);
        }
        let lanes = record.seen.lanes_of(target.id);
        Self { record, world, target, window, lanes, failures, old, young, rollback }
    }

    /// Whether any pod was seen to end or to start.
    pub(crate) fn has_pods(&self) -> bool {
        !self.old.is_empty() || !self.young.is_empty()
    }

    /// The instant at which the settings hold that the rollout was to bring.
    pub(crate) fn told_at(&self) -> Offset {
        self.rollback.map_or(self.window.to, |(_, back)| back.back(Duration::from_nanos(1)))
    }

    /// The steps in which the old pods were deleted.
    pub(crate) fn steps(&self) -> Vec<Step<'_, 'a>> {
        let began = |pod: &PodLife<'_>| pod.deleting.unwrap_or_default();
        let groups: Vec<_> = self.old.chunk_by(|one, next| began(next).since(began(one)) <= TOGETHER).collect();
        let starts: Vec<_> = groups.iter().map(|group| group.first().map_or(Offset::ZERO, |pod| began(pod))).collect();
        let place = |at: Offset| self.failures.partition_point(|one| one.probe.sent < at.back(EARLY));
        let step = |(nth, pods)| {
            let at: Offset = starts.get(nth).copied().unwrap_or_default();
            let next: Option<Offset> = starts.get(nth + 1).copied();
            let to = next.map_or(self.failures.len(), place);
            let failures = &self.failures[place(at).min(to)..to];
            let pods: &[&'a PodLife<'a>] = pods;
            let listed = self.listed(at).max(pods.len());
            Step { at, pods, listed, failures, to: next.unwrap_or(self.window.to), is_last: next.is_none() }
        };
        groups.into_iter().enumerate().map(step).collect()
    }

    /// The pods that hops listed at this time.
    fn listed(&self, at: Offset) -> usize {
        let is_listed = |pod: &&PodLife<'_>| {
            pod.joined.is_some_and(|joined| joined == Offset::ZERO || joined + NOT_LISTED <= at)
                && pod.left.is_none_or(|left| left + EARLY >= at)
        };
        self.world.pods.iter().filter(is_listed).count()
    }

    /// The number of probes of these lanes that failed in such a way from one instant to another, by when they were due.
    pub(crate) fn count(
        &self,
        policy: Option<Policy>,
        (from, to): (Offset, Offset),
        is: impl Fn(Class) -> bool,
    ) -> u64 {
        let lanes = self.lanes.iter().filter(|lane| policy.is_none_or(|policy| lane.lane.policy == policy));
        let cell = Cell::of(lanes.map(|lane| &lane.timeline), from, to);
        let failed = cell.classes.iter().filter(|(class, _)| class.health() == Health::Failed && is(*class));
        failed.map(|(_, count)| count).sum()
    }

    /// The number of probes of the step that failed in such a way.
    pub(crate) fn count_in(&self, step: &Step<'_, '_>, policy: Option<Policy>, is: impl Fn(Class) -> bool) -> u64 {
        let to = if step.is_last { step.to } else { step.to.back(EARLY) };
        self.count(policy, (step.at.back(EARLY), to), is)
    }

    /// The probes a second of these lanes.
    pub(crate) fn rate(&self, policy: Option<Policy>) -> f64 {
        let all = self.lanes.iter().filter(|lane| policy.is_none_or(|policy| lane.lane.policy == policy));
        all.map(|lane| lane.lane.schedule.rate()).sum()
    }
}

/// When a rollout in this stretch began, and when it was rolled back: when the settings told that the pods are to be again
/// what they were before.
fn rollback(world: &World<'_>, window: Span) -> Option<(Offset, Offset)> {
    let told = world.events.iter().filter_map(|event| match &event.detail {
        Some(Detail::Workload(settings)) if event.at <= window.to => Some((event.at, settings.template)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let (back, template) = *told.last()?;
    let other = told.iter().rposition(|(_, other)| *other != template)?;
    let before = told.iter().take(other).rposition(|(_, one)| *one == template)?;
    let began = told.get(before + 1)?.0;
    (window.from.back(EARLY) <= began).then_some((began, back))
}

/// Whether a request that failed in this way found nothing that took it: at a pod, or behind a proxy.
pub(crate) const fn found_nothing(class: Class) -> bool {
    matches!(
        class,
        Class::Refused | Class::Unreachable | Class::ConnectTimeout | Class::ResponseTimeout | Class::Status(502 | 504)
    )
}

/// Whether a request that failed in this way was cut while it was under way.
pub(crate) const fn was_cut(class: Class) -> bool {
    matches!(class, Class::Closed | Class::Reset | Class::Truncated)
}

/// Whether the packets of a request that failed in this way vanished.
pub(crate) const fn vanished(class: Class) -> bool {
    matches!(class, Class::ConnectTimeout | Class::Unreachable | Class::Status(504))
}
