//! How the pods of a run ended: what they waited for, what they did on SIGTERM, and what their address did afterwards.

use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::pod::{Afterwards, OnSigterm};
use lapse_measure::lane::Policy;
use lapse_measure::phrase::some;
use lapse_measure::time::Human;

use crate::known::{Known, range, words};
use crate::seen::{Seen, Step, found_nothing, vanished, was_cut};
use crate::settings::PodSettings;

/// The default of Kubernetes.
const GRACE: Duration = Duration::from_secs(30);
/// A watch may hear of an exit this much later than it happens.
const HEARD_LATE: Duration = Duration::from_millis(1_500);
/// Failures that went on until so short before a deletion went on after it.
const PAUSE: Duration = Duration::from_millis(100);
/// Of the requests under way at a pod, the share that is cut at least if it exits at once.
const CUT: f64 = 0.4;
/// Of a pod that was killed: the signal's number and 128.
const KILLED: i32 = 137;

/// How the pods of a template end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) pre_stop: Known<DurationRange>,
    pub(crate) grace: Known<DurationRange>,
    pub(crate) on_sigterm: Known<OnSigterm>,
    pub(crate) teardown: Known<DurationRange>,
    pub(crate) afterwards: Known<Afterwards>,
}

impl Ending {
    /// How the old pods of a run ended, with what was told of them.
    pub(crate) fn of(seen: &Seen<'_>, told: &PodSettings) -> Self {
        let steps = seen.steps();
        let on_sigterm = on_sigterm(seen, &steps);
        let pre_stop = pre_stop(seen, &steps, told, on_sigterm.value);
        Self {
            grace: grace(seen, told, on_sigterm.value),
            teardown: teardown(seen, &steps, on_sigterm.value),
            afterwards: afterwards(seen, &steps),
            pre_stop,
            on_sigterm,
        }
    }

    /// How pods end of which nothing was seen.
    pub(crate) fn assumed(told: &PodSettings, on_sigterm: Known<OnSigterm>) -> Self {
        let pre_stop = match &told.pre_stop {
            Some(Known { value: Some(length), why }) => Known::shown(DurationRange::exactly(*length), why.clone()),
            Some(Known { value: None, why }) => Known::assumed(DurationRange::ZERO, format!("nothing waits ({why})")),
            None => Known::assumed(DurationRange::ZERO, "nothing told of a preStop hook"),
        };
        Self {
            pre_stop,
            grace: told.grace.clone().unwrap_or_else(default_grace).map(DurationRange::exactly),
            on_sigterm,
            teardown: Known::assumed(DurationRange::millis(200), "the network of a pod goes soon after its process"),
            afterwards: Known::assumed(Afterwards::Swallows, "packets to a pod that is gone get no answer"),
        }
    }
}

fn default_grace() -> Known<Duration> {
    Known::assumed(GRACE, "nothing told of it, and this is the default of Kubernetes")
}

/// What the old pods did on SIGTERM.
fn on_sigterm(seen: &Seen<'_>, steps: &[Step<'_, '_>]) -> Known<OnSigterm> {
    let codes: Vec<_> = seen.old.iter().filter_map(|pod| pod.exited()?.1?.code).collect();
    let said = match codes.first() {
        Some(first) if codes.iter().all(|code| code == first) => {
            format!("exit code {first} of {}", some(codes.len() as u64, "pod"))
        }
        Some(_) => format!("exit codes {codes:?}"),
        None => "no exit code is known".to_owned(),
    };
    let killed = codes.iter().filter(|code| **code == KILLED).count();
    if killed * 2 > codes.len() {
        return Known::shown(OnSigterm::Ignore, format!("{said}: they were killed when their grace period was over"));
    }
    let cut: u64 = steps.iter().map(|step| seen.count_in(step, Some(Policy::Reused), was_cut)).sum();
    let pods = seen.old.len();
    let cut_says = format!("{} on kept connections cut as {} ended", some(cut, "request"), some(pods as u64, "pod"));
    if cut_all(seen, cut) {
        return Known::shown(OnSigterm::Exit, format!("{cut_says}; {said}"));
    }
    match codes.iter().max() {
        Some(0) if cut == 0 => {
            Known::shown(OnSigterm::Drain, format!("{said}, and no request on a kept connection was cut"))
        }
        Some(0) => Known::shown(OnSigterm::Finish, format!("{said}; only {cut_says}")),
        Some(_) => Known::shown(OnSigterm::Exit, format!("{said}; {cut_says}")),
        None if pods > 0 && cut == 0 && seen.rate(Some(Policy::Reused)) > 0.0 => {
            Known::assumed(OnSigterm::Drain, "no request on a kept connection was cut, and no exit code is known")
        }
        None => Known::assumed(OnSigterm::Exit, format!("most programs do ({said})")),
    }
}

/// Whether about as many requests were cut as were under way at the pods that ended.
#[expect(clippy::cast_precision_loss, reason = "counts of pods and requests, for a threshold")]
fn cut_all(seen: &Seen<'_>, cut: u64) -> bool {
    let latency = crate::starting::latency(seen, 0.5).unwrap_or_default().as_secs_f64();
    let serving = seen.steps().first().map_or(1, |step| step.listed).max(1);
    let under_way = seen.rate(Some(Policy::Reused)) * latency / serving as f64;
    let pods = seen.old.len().max(1) as f64;
    cut > 0 && cut as f64 >= (under_way * CUT * pods).max(pods)
}

/// The shortest time from a deletion to the first request that was lost by it, and to the first exit.
fn first_signs(seen: &Seen<'_>, steps: &[Step<'_, '_>]) -> Option<(Duration, String)> {
    let lost =
        |step: &Step<'_, '_>| step.first(|class| found_nothing(class) || was_cut(class)).map(|one| step.after(one));
    let lost: Vec<_> = steps.iter().filter_map(lost).collect();
    let exits: Vec<_> = seen.old.iter().filter_map(|pod| pod.took_to_end()).collect();
    let sign = |(what, lengths): (&str, &[Duration])| {
        let first = *lengths.iter().min()?;
        Some((first, format!("from the deletion to {what}: {}", words(lengths))))
    };
    let signs = [("the first lost request", lost.as_slice()), ("the exit", exits.as_slice())];
    signs.into_iter().filter_map(sign).min_by_key(|(first, _)| *first)
}

fn pre_stop(
    seen: &Seen<'_>,
    steps: &[Step<'_, '_>],
    told: &PodSettings,
    on_sigterm: OnSigterm,
) -> Known<DurationRange> {
    if let Some(Known { value: Some(length), why }) = &told.pre_stop {
        return Known::shown(DurationRange::exactly(*length), why.clone());
    }
    let nothing = || Known::assumed(DurationRange::ZERO, "nothing told of a preStop hook, and no pod was seen to end");
    let Some((first, says)) = first_signs(seen, steps) else { return nothing() };
    // Of a process that ignores SIGTERM neither sign says when that came.
    if on_sigterm == OnSigterm::Ignore || first <= HEARD_LATE {
        return Known::shown(DurationRange::ZERO, format!("{says}: nothing waited before SIGTERM"));
    }
    let whole = Duration::from_millis(u64::try_from(first.as_millis()).unwrap_or(u64::MAX));
    Known::shown(DurationRange::exactly(whole), says)
}

fn grace(seen: &Seen<'_>, told: &PodSettings, on_sigterm: OnSigterm) -> Known<DurationRange> {
    if let Some(grace) = &told.grace {
        return grace.clone().map(DurationRange::exactly);
    }
    let took: Vec<_> = seen.old.iter().filter_map(|pod| pod.took_to_end()).collect();
    match range(&took) {
        Some(range) if on_sigterm == OnSigterm::Ignore => {
            Known::shown(range, format!("from the deletion to the exit of pods that were killed: {}", words(&took)))
        }
        _ => default_grace().map(DurationRange::exactly),
    }
}

/// How long the addresses of pods refuse before their network goes.
fn teardown(seen: &Seen<'_>, steps: &[Step<'_, '_>], on_sigterm: OnSigterm) -> Known<DurationRange> {
    let refused = |step: &Step<'_, '_>| {
        let (first, lost) = (step.first(|class| found_nothing(class) || was_cut(class))?, step.first(vanished)?);
        Some(lost.probe.sent.since(first.probe.sent))
    };
    // While the pods of the step before were listed, it was their packets that vanished.
    let is_mixed = |nth: usize| {
        let before = nth.checked_sub(1).and_then(|nth| steps.get(nth)).and_then(|step| step.failures.last());
        before.zip(steps.get(nth)).is_some_and(|(last, step)| step.at.since(last.probe.sent) < PAUSE)
    };
    let alone = steps.iter().enumerate().filter(|(nth, _)| !is_mixed(*nth));
    let refused: Vec<_> = alone.filter_map(|(_, step)| refused(step)).collect();
    // A process that drains stops listening long before it ends.
    if matches!(on_sigterm, OnSigterm::Exit | OnSigterm::Ignore)
        && let Some(range) = range(&refused)
    {
        let says =
            format!("from the first request that was lost to the first whose packets vanished: {}", words(&refused));
        return Known::shown(range, says);
    }
    let gone = seen.old.iter().filter_map(|pod| Some(pod.gone?.since(pod.exited()?.0)));
    let gone: Vec<_> = gone.collect();
    match range(&gone) {
        Some(range) => Known::shown(range, format!("from the exit to when the pod was gone: {}", words(&gone))),
        None => Known::assumed(DurationRange::millis(200), "the network of a pod goes soon after its process"),
    }
}

fn afterwards(seen: &Seen<'_>, steps: &[Step<'_, '_>]) -> Known<Afterwards> {
    let vanished = seen.count(None, (seen.window.from, seen.window.to), vanished);
    if vanished > 0 {
        return Known::shown(Afterwards::Swallows, format!("the packets of {vanished} requests vanished"));
    }
    // Where no pod is listed, it is not a pod's address that refuses.
    let refused = |step: &Step<'_, '_>| {
        let gone = step.pods.iter().filter_map(|pod| pod.gone).min();
        let late = |one: &&lapse_record::failure::Failure| {
            gone.is_some_and(|gone| one.probe.sent > gone) && found_nothing(one.probe.class)
        };
        step.failures.iter().filter(|one| late(one)).count() as u64
    };
    match steps.iter().filter(|step| step.leaves_some()).map(refused).sum() {
        0 => Known::assumed(Afterwards::Swallows, "no request was lost to a pod that was gone"),
        failed => Known::shown(
            Afterwards::Refuses,
            format!("{} failed at once, to pods that were gone", some(failed, "request")),
        ),
    }
}

/// A sentence on when the pods ended.
pub(crate) fn ends(seen: &Seen<'_>) -> String {
    let of = |pod: &&lapse_explain::world::PodLife<'_>| {
        let deleted = pod.deleting?;
        let exited =
            pod.exited().map_or_else(String::new, |(at, _)| format!(", exited {} later", Human(at.since(deleted))));
        Some(format!("{} deleted at {}{exited}", pod.name, Human(deleted.since(seen.window.from))))
    };
    let all: Vec<_> = seen.old.iter().filter_map(of).take(4).collect();
    let more = seen.old.len().saturating_sub(all.len());
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{rest}", all.join("; "))
}
