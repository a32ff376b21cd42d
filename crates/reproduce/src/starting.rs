//! How the new pods of a run started: how long it took, whether they were ready too early, how long their answers take.

use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::pod::{Honesty, Readiness};
use lapse_measure::answer::Class;
use lapse_measure::latency::Distribution;
use lapse_measure::phase::Phase;
use lapse_measure::phrase::part;
use lapse_measure::time::Offset;

use crate::known::{Known, range, words};
use crate::seen::{Seen, found_nothing};
use crate::settings::PodSettings;

/// The time from a pod's creation until its process runs, which no event tells.
const SCHEDULE: Duration = Duration::from_millis(50);
/// The time between two readiness probes of the scenario: so short that it adds next to nothing.
const PERIOD: Duration = Duration::from_millis(20);
/// The time until a pod is ready of which nothing is known.
pub(crate) const USUAL: Duration = Duration::from_secs(1);

/// How the pods of a template start.
#[derive(Clone, Debug)]
pub(crate) struct Starting {
    pub(crate) schedule: Known<DurationRange>,
    pub(crate) boot: Known<DurationRange>,
    pub(crate) init: Known<DurationRange>,
    pub(crate) readiness: Known<Readiness>,
    /// The time to answer a request.
    pub(crate) work: Known<DurationRange>,
    /// The share of requests that new pods answer with 500.
    pub(crate) errors: Known<f64>,
}

impl Starting {
    /// How the new pods of a run started, with what was told of them.
    pub(crate) fn of(seen: &Seen<'_>, told: &PodSettings) -> Self {
        let is_probed = told.readiness.as_ref().is_none_or(|known| known.value);
        let init = init(seen);
        let boot = if is_probed { boot(seen) } else { boot_without_probe(seen) };
        let (probe, says) = match (&told.readiness, init.value.is_nothing()) {
            (Some(Known { value: false, why }), _) => (Honesty::Missing, why.clone()),
            (_, false) => (Honesty::Lying, "new pods were ready and answered 503".to_owned()),
            (Some(Known { why, .. }), true) => (
                Honesty::Honest,
                format!("{why}; its interval is not played, because the time until ready was measured"),
            ),
            (None, true) => (Honesty::Honest, "assumed: no new pod was seen to fail requests".to_owned()),
        };
        let period = DurationRange::exactly(PERIOD);
        let readiness = Readiness { probe, period, ..Readiness::default() };
        Self {
            schedule: schedule(),
            boot,
            init,
            readiness: Known::shown(readiness, says),
            work: work(seen),
            errors: errors(seen),
        }
    }

    /// How pods start of which nothing was seen.
    pub(crate) fn assumed(told: &PodSettings, boot: Known<DurationRange>, work: Known<DurationRange>) -> Self {
        let probe = match &told.readiness {
            Some(Known { value: false, .. }) => Honesty::Missing,
            _ => Honesty::Honest,
        };
        let says = told.readiness.as_ref().map_or_else(
            || "assumed: there is a readiness probe that tells the truth".to_owned(),
            |known| {
                format!("{}; assumed: it tells the truth, and its interval is part of the time until ready", known.why)
            },
        );
        let period = DurationRange::exactly(PERIOD);
        Self {
            schedule: schedule(),
            boot,
            init: Known::assumed(DurationRange::ZERO, "pods serve as soon as they listen"),
            readiness: Known::shown(Readiness { probe, period, ..Readiness::default() }, says),
            work,
            errors: Known::assumed(0.0, "the new version works"),
        }
    }
}

fn schedule() -> Known<DurationRange> {
    Known::assumed(DurationRange::exactly(SCHEDULE), "no event tells when the process began, and boot has the rest")
}

/// The time until pods listen that leads to this time from their creation until they are ready.
pub(crate) fn boot_for(ready: DurationRange) -> DurationRange {
    let rest = |ready: Duration| ready.saturating_sub(SCHEDULE + PERIOD / 2);
    DurationRange::between(rest(ready.low()), rest(ready.high()))
}

fn boot(seen: &Seen<'_>) -> Known<DurationRange> {
    let ready: Vec<_> = seen.young.iter().filter_map(|pod| Some(pod.ready?.since(pod.created?))).collect();
    match range(&ready) {
        Some(range) => {
            Known::shown(boot_for(range), format!("from its creation until a pod was ready: {}", words(&ready)))
        }
        None => Known::assumed(boot_for(DurationRange::exactly(USUAL)), "no new pod was seen to become ready"),
    }
}

/// Without a readiness probe the events do not tell when a pod listens: the last failure after its creation does.
fn boot_without_probe(seen: &Seen<'_>) -> Known<DurationRange> {
    let created: Vec<Offset> = seen.young.iter().filter_map(|pod| pod.created).collect();
    let last = seen.failures.iter().rev().find(|one| found_nothing(one.probe.class)).map(|one| one.probe.sent);
    let newest = created.iter().filter(|at| last.is_some_and(|last| **at <= last)).max();
    match (newest, last) {
        (Some(created), Some(last)) => {
            let took = last.since(*created);
            let says =
                format!("from the creation of the last pod to the last request that was lost: {}", words(&[took]));
            Known::shown(boot_for(range(&[took]).unwrap_or_default()), says)
        }
        _ => {
            Known::assumed(boot_for(DurationRange::exactly(USUAL)), "there is no readiness probe, and nothing was lost")
        }
    }
}

/// How long new pods answered 503 although they were ready.
fn init(seen: &Seen<'_>) -> Known<DurationRange> {
    let refused = |pod: &&&lapse_explain::world::PodLife<'_>| {
        let ready = pod.ready.or(pod.created)?;
        let mine = seen.failures.iter().filter(|one| one.evidence.backend.as_deref() == Some(pod.name));
        let last = mine.filter(|one| one.probe.class == Class::Status(503)).map(|one| one.probe.sent).max()?;
        Some(last.since(ready))
    };
    let refused: Vec<_> = seen.young.iter().filter_map(|pod| refused(&pod)).collect();
    match range(&refused) {
        Some(range) => Known::shown(range, format!("from ready to the last 503 of a new pod: {}", words(&refused))),
        None => Known::assumed(DurationRange::ZERO, "no new pod answered 503"),
    }
}

/// The time to answer, from the latency of healthy answers before the rollout.
fn work(seen: &Seen<'_>) -> Known<DurationRange> {
    let ends = latency(seen, 0.05).zip(latency(seen, 0.95));
    match ends.and_then(|(low, high)| range(&[low, high])) {
        Some(range) => Known::shown(range, "the latency of healthy answers, from the 5th to the 95th percentile"),
        None => Known::assumed(DurationRange::millis(5), "there was no healthy answer"),
    }
}

/// A quantile of the latency of healthy answers in the baseline, or in the whole run without one.
pub(crate) fn latency(seen: &Seen<'_>, quantile: f64) -> Option<Duration> {
    let before = seen.target.phases.iter().find(|one| one.phase == Phase::Baseline && one.latency.count() > 0);
    if let Some(phase) = before {
        return phase.latency.quantile(quantile);
    }
    let mut all = Distribution::fine();
    seen.lanes.iter().for_each(|lane| all.add(&lane.latency_overall()));
    all.quantile(quantile)
}

/// The share of their requests that the new pods answered with 500.
#[expect(clippy::cast_precision_loss, reason = "a share of requests")]
fn errors(seen: &Seen<'_>) -> Known<f64> {
    let is_young = |name: &str| seen.young.iter().any(|pod| pod.name == name);
    let bad = seen.failures.iter().filter(|one| one.probe.class == Class::Status(500));
    let bad = bad.filter(|one| one.evidence.backend.as_deref().is_some_and(is_young)).count() as u64;
    let all: u64 = seen.record.summary.pods.iter().filter(|pod| is_young(&pod.name)).map(|pod| pod.served).sum();
    let all = all.max(bad);
    if bad == 0 {
        return Known::assumed(0.0, "no new pod answered 500");
    }
    let share = (bad as f64 * 1000.0 / all as f64).round() / 1000.0;
    Known::shown(share, format!("new pods answered {} with 500", part(bad, all, "request")))
}
