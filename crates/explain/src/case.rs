//! A case: a stretch of a run in which a target lost requests or answered slowly, with the facts that rules ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::{PodLife, World};
use lapse_measure::answer::{Class, Health};
use lapse_measure::episode::Episode;
use lapse_measure::lane::Policy;
use lapse_measure::observations::LaneObservations;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::timeline::Cell;
use lapse_record::failure::Failure;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// How far before and after a case an event may lie and still have to do with it: a watch hears of an exit up to a
/// second after it, and a proxy's retry can hide the first seconds of a loss.
pub(crate) const NEAR: Duration = Duration::from_secs(2);

/// A case shorter than this has too few probes of each kind of connection to compare them.
const SHORT: Duration = Duration::from_millis(50);

/// The failures that are looked at for the pod that a case began with.
const FIRST: usize = 10;

/// The cases that are explained one by one; a noisy service may have thousands.
const MAX_CASES: usize = 100;

/// How far apart slow answers may be and still be one case.
const SLOW_GAP: Duration = Duration::from_secs(1);

/// A stretch of a run to be explained.
#[derive(Debug)]
pub struct Case<'a> {
    pub(crate) record: &'a Record,
    pub(crate) world: &'a World<'a>,
    /// The target that lost requests.
    pub target: &'a TargetSummary,
    /// From the first to the last slot that failed, or was slow, by due times.
    pub span: Span,
    /// The failures of the case; `None` if its answers were slow and none failed.
    pub episode: Option<&'a Episode>,
    /// The slow answers of the case.
    pub slow: u64,
    pub(crate) new: Tally,
    pub(crate) reused: Tally,
    /// The failures that were kept with their evidence.
    pub(crate) failures: Vec<&'a Failure>,
}

/// The probes of one kind of connection in a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) failed: u64,
    pub(crate) resolved: u64,
    pub(crate) slow: u64,
    pub(crate) classes: BTreeMap<Class, u64>,
    /// The first and the last failed slot, by due time.
    pub(crate) first: Option<Offset>,
    pub(crate) last: Option<Offset>,
}

impl Tally {
    #[expect(clippy::cast_precision_loss, reason = "a share needs two digits")]
    pub(crate) fn share(&self) -> f64 {
        self.failed as f64 / self.resolved.max(1) as f64
    }

    fn add(&mut self, lane: &LaneObservations, span: Span) {
        let within = |from, to| Cell::of([&lane.timeline], from, to + Duration::from_nanos(1));
        let mut cell = within(span.from, span.to);
        if cell.resolved() == 0 {
            // A moment may lie between two slots of a lane.
            let period = lane.lane.schedule.period();
            cell = within(span.from.back(period), span.to + period);
        }
        self.failed += cell.failed();
        self.resolved += cell.resolved();
        self.slow += cell.count(Health::Slow);
        for (class, count) in cell.classes.iter().filter(|(class, _)| class.health() == Health::Failed) {
            *self.classes.entry(*class).or_insert(0) += count;
        }
        let inside = lane.outages.iter().filter(|outage| outage.from <= span.to && outage.to >= span.from);
        for outage in inside {
            self.first = Some(self.first.map_or(outage.from, |first| first.min(outage.from)));
            self.last = self.last.max(Some(outage.to));
        }
    }
}

impl<'a> Case<'a> {
    /// The cases of a run, by target and then by time: the episodes of each target, and the stretches in which its
    /// answers were slow and none failed. Of more than [`MAX_CASES`] only the costliest, with the number of the others.
    pub(crate) fn all(record: &'a Record, world: &'a World<'a>) -> (Vec<Self>, u64) {
        let mut all: Vec<Stretch<'a>> =
            record.summary.targets.iter().flat_map(|target| stretches(record, target)).collect();
        let left_out = all.len().saturating_sub(MAX_CASES) as u64;
        all.sort_by_key(|one| (std::cmp::Reverse(one.cost()), one.target.id, one.span));
        all.truncate(MAX_CASES);
        all.sort_by_key(|one| (one.target.id, one.span));
        let case = |one: Stretch<'a>| Self::new(record, world, one.target, one.span, one.episode);
        (all.into_iter().map(case).collect(), left_out)
    }

    fn new(
        record: &'a Record,
        world: &'a World<'a>,
        target: &'a TargetSummary,
        span: Span,
        episode: Option<&'a Episode>,
    ) -> Self {
        let (mut new, mut reused) = (Tally::default(), Tally::default());
        let counted = widened(span);
        for lane in record.seen.lanes_of(target.id) {
            let tally = if lane.lane.policy == Policy::New { &mut new } else { &mut reused };
            tally.add(lane, counted);
        }
        let inside = |failure: &&Failure| {
            target.lanes.contains(&failure.lane) && span.from <= failure.probe.due && failure.probe.due <= span.to
        };
        let failures = record.failures.kept.iter().filter(inside).collect();
        let slow = new.slow + reused.slow;
        Self { record, world, target, span, episode, slow, new, reused, failures }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.new.failed + self.reused.failed
    }

    /// The share of the failures, from 0 to 1, that are of one of these classes.
    #[expect(clippy::cast_precision_loss, reason = "a share needs two digits")]
    pub(crate) fn share_of(&self, is: impl Fn(Class) -> bool) -> f64 {
        let classes = self.new.classes.iter().chain(&self.reused.classes);
        let matching: u64 = classes.filter(|(class, _)| is(**class)).map(|(_, count)| count).sum();
        matching as f64 / self.failed().max(1) as f64
    }

    /// The median time to fail of the failures of these classes; `None` without any.
    pub(crate) fn time_to_fail(&self, is: impl Fn(Class) -> bool) -> Option<Duration> {
        let times = self.failures.iter().filter(|failure| is(failure.probe.class));
        let mut times: Vec<_> = times.map(|failure| failure.probe.done.since(failure.probe.sent)).collect();
        let middle = times.len() / 2;
        (!times.is_empty()).then(|| *times.select_nth_unstable(middle).1)
    }

    /// The pod that the first failures name, by the header that names the backend; `None` if none does.
    pub(crate) fn first_backend(&self) -> Option<&'a str> {
        let mut first: Vec<_> =
            self.failures.iter().map(|one| (one.probe.done, one.evidence.backend.as_deref())).collect();
        first.sort_unstable();
        first.iter().take(FIRST).find_map(|(_, backend)| *backend)
    }

    /// The span with [`NEAR`] on both sides.
    pub(crate) fn around(&self) -> Span {
        Span::new(self.span.from.back(NEAR), self.span.to + NEAR)
    }

    /// The pods whose deletion began before the last failure and which had not been gone for long at the first.
    pub(crate) fn ending_pods(&self) -> impl Iterator<Item = &'a PodLife<'a>> + '_ {
        self.world.pods.iter().filter(|pod| {
            pod.deleting.is_some_and(|deleting| deleting <= self.span.to)
                && pod.gone.is_none_or(|gone| gone + NEAR >= self.span.from)
        })
    }

    /// The pods that became ready, joined the endpoints or were created before the last failure and not long before the
    /// first.
    pub(crate) fn starting_pods(&self) -> impl Iterator<Item = &'a PodLife<'a>> + '_ {
        self.world.pods.iter().filter(|pod| {
            let since = pod.joined.or(pod.ready).or(pod.created);
            pod.created.is_some() && since.is_some_and(|at| at <= self.span.to && at + NEAR >= self.span.from)
        })
    }
}

/// The span in which the probes of a case are counted: a short one is widened, so that both kinds of connection had
/// probes in it.
fn widened(span: Span) -> Span {
    if span.length() >= SHORT { span } else { Span::new(span.from.back(SHORT / 2), span.to + SHORT / 2) }
}

/// A case before its facts are gathered.
struct Stretch<'a> {
    target: &'a TargetSummary,
    span: Span,
    episode: Option<&'a Episode>,
}

impl Stretch<'_> {
    /// The rank of a case among others: its failures, and then its length.
    fn cost(&self) -> (u64, Duration) {
        (self.episode.map_or(0, |episode| episode.failed), self.span.length())
    }
}

/// The cases of a target.
fn stretches<'a>(record: &Record, target: &'a TargetSummary) -> Vec<Stretch<'a>> {
    let failed = target.episodes.iter().map(|episode| (Span::new(episode.from, episode.to), Some(episode)));
    let failed: Vec<_> = failed.collect();
    let near_failure = |slow: &Span| {
        let next = failed.partition_point(|(span, _)| span.to + SLOW_GAP < slow.from);
        failed.get(next).is_some_and(|(span, _)| span.from <= slow.to + SLOW_GAP)
    };
    let mut slow = slow_stretches(record, target);
    // A service that is slow before anything is done to it is no case of a rollout.
    let judged = record.seen.phases.judged(record.seen.end);
    slow.retain(|span| !near_failure(span) && span.to >= judged.from);
    let slow: Vec<_> = slow.into_iter().map(|span| (span, None)).collect();
    failed.into_iter().chain(slow).map(|(span, episode)| Stretch { target, span, episode }).collect()
}

/// The stretches in which a target's answers were slow.
fn slow_stretches(record: &Record, target: &TargetSummary) -> Vec<Span> {
    let lanes = record.seen.lanes_of(target.id);
    let mut slow: Vec<_> = lanes.iter().flat_map(|lane| &lane.slow).map(|run| Span::new(run.from, run.to)).collect();
    slow.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in slow {
        match joined.last_mut() {
            Some(last) if span.from <= last.to + SLOW_GAP => *last = Span::new(last.from, last.to.max(span.to)),
            _ => joined.push(span),
        }
    }
    joined
}
