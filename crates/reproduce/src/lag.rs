//! How long the hop in front of the pods went by an old list.
//!
//! Where other pods were listed beside those that ended, the time is counted from how many requests were lost: one of two
//! listed pods that does not listen costs half of them. Where none was, it is the time from a new pod's joining the
//! endpoints to the first request that was answered.

use std::time::Duration;

use lapse_explain::world::PodLife;
use lapse_lab::duration_range::DurationRange;
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::time::{Human, Offset};
use lapse_record::failure::Failure;

use crate::known::{Known, range, words};
use crate::seen::{Seen, Step, found_nothing};

/// The lag of a hop of which nothing is known, as of kube-proxy: it writes its rules at most once a second by default
/// (`minSyncPeriod`, `--iptables-min-sync-period`), and takes some time to hear of a change and to write.
pub(crate) const USUAL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1_200));
/// The shortest outage of all new connections that is one of the whole service, not a streak of bad luck.
const SOLID: Duration = Duration::from_millis(100);
/// How long before an outage of everything the pod can have joined whose addition ends it.
const BEFORE: Duration = Duration::from_secs(2);
/// The longest lag that is written: what takes longer is another trouble.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the hop went by an old list; `layer_4` if connections are passed on to pods, so that kept ones do not count.
///
/// `unprobed` are new pods without a readiness probe, which refuse what comes first.
pub(crate) fn lag(seen: &Seen<'_>, layer_4: bool, sleep: Duration, unprobed: bool) -> Known<DurationRange> {
    let early = arrivals(seen, unprobed);
    if let Some(lags) = range(&early) {
        let says =
            format!("from a new pod's joining the endpoints to the first request that it failed: {}", words(&early));
        return Known::shown(at_most(lags, LONGEST), says);
    }
    let steps = seen.steps();
    let policy = (layer_4 && seen.rate(Some(Policy::New)) > 0.0).then_some(Policy::New);
    let partial = removals(seen, &steps, policy);
    if let Some(lags) = range(&partial) {
        let share = steps.iter().find(|step| step.leaves_some()).map_or((1, 1), |step| (step.pods.len(), step.listed));
        let says = format!(
            "from each deletion, for as long as the requests that were lost stand for, with {} of {} listed pods gone: {}",
            share.0,
            share.1,
            words(&partial)
        );
        return Known::shown(at_most(lags, LONGEST), says);
    }
    let whole = if steps.iter().all(Step::leaves_some) { Vec::new() } else { additions(seen) };
    if let Some(lags) = range(&whole) {
        let says =
            format!("from a new pod's joining the endpoints to the end of an outage of everything: {}", words(&whole));
        return Known::shown(at_most(lags, LONGEST), says);
    }
    unseen(seen, sleep)
}

fn at_most(lags: DurationRange, most: Duration) -> DurationRange {
    DurationRange::between(lags.low().min(most), lags.high().min(most))
}

/// The lags of additions, where new pods got requests before they could answer: the first that each lost came as soon as
/// it was listed.
fn arrivals(seen: &Seen<'_>, unprobed: bool) -> Vec<Duration> {
    let lag = |(nth, pod): (usize, &&PodLife<'_>)| {
        let joined = pod.joined?;
        let is_its = |one: &&&Failure| match one.evidence.backend.as_deref() {
            Some(name) => name == pod.name && one.probe.class == Class::Status(503),
            // A pod that refuses names itself to no client: the first to come lost the first request.
            None => unprobed && nth == 0 && found_nothing(one.probe.class),
        };
        let first = seen.failures.iter().filter(|one| one.probe.sent >= joined).find(is_its)?;
        Some(first.probe.sent.since(joined))
    };
    seen.young.iter().enumerate().filter_map(lag).collect()
}

/// The lags after deletions that left other pods in the list.
fn removals(seen: &Seen<'_>, steps: &[Step<'_, '_>], policy: Option<Policy>) -> Vec<Duration> {
    let mut lags = Vec::new();
    // What a step lost for longer than failures went on was lost to the pods of the step before, which were still listed.
    let mut surplus = Duration::ZERO;
    for step in steps.iter().rev().filter(|step| step.leaves_some()) {
        let on = |class| found_nothing(class);
        let failed = seen.count_in(step, policy, on);
        let Some(first) = step.first(on).filter(|_| failed > 0) else { continue };
        let newest = step.failures.iter().rev().find(|one| on(one.probe.class)).map_or(first, |one| one);
        let (stopped, over) = (step.after(first), step.after(newest));
        let lag = stopped + stands_for(failed, seen.rate(policy), step) + std::mem::take(&mut surplus);
        if step.is_last {
            surplus = lag.saturating_sub(over);
        }
        lags.push(if step.is_last { lag.min(over) } else { lag });
    }
    lags.reverse();
    lags
}

/// How long the pods of a step, as a share of those listed, must have been there to lose that share of the requests.
#[expect(clippy::cast_precision_loss, reason = "counts of pods and requests, for a length of time")]
fn stands_for(failed: u64, rate: f64, step: &Step<'_, '_>) -> Duration {
    let share = step.pods.len() as f64 / step.listed.max(1) as f64;
    Duration::try_from_secs_f64(failed as f64 / rate / share).unwrap_or(LONGEST)
}

/// The lags of additions: while all listed pods had ended, every new connection failed.
fn additions(seen: &Seen<'_>) -> Vec<Duration> {
    let joined: Vec<Offset> = seen.young.iter().filter_map(|pod| pod.joined.or(pod.ready)).collect();
    let lag = |outage: &lapse_measure::outage::Outage| {
        // A new pod may be there before the old ones have stopped, and not be listed yet.
        let joined = joined.iter().filter(|at| outage.from.back(BEFORE) <= **at && **at <= outage.to).min()?;
        Some(outage.to.since(*joined))
    };
    let lanes = seen.lanes.iter().filter(|lane| seen.rate(Some(Policy::New)) == 0.0 || lane.lane.policy == Policy::New);
    let outages = lanes.flat_map(|lane| &lane.outages).filter(|outage| outage.estimate >= SOLID);
    outages.filter(|outage| seen.window.from <= outage.to && outage.from <= seen.window.to).filter_map(lag).collect()
}

/// A lag of which nothing was seen: it was over when the pods stopped listening.
fn unseen(seen: &Seen<'_>, sleep: Duration) -> Known<DurationRange> {
    let took = seen.old.iter().filter_map(|pod| pod.took_to_end()).chain((!sleep.is_zero()).then_some(sleep));
    let shortest = took.min().filter(|took| *took < USUAL.1);
    let most = shortest.map_or(USUAL.1, |took| took / 2);
    let (low, high) = (USUAL.0.min(most / 2), most);
    let whole = |length: Duration| Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
    let says = format!(
        "no request was lost to a pod that had ended, so the lag is not known; kube-proxy usually needs no longer than {}",
        Human(USUAL.1)
    );
    Known::assumed(DurationRange::between(whole(low), whole(high)), says)
}
