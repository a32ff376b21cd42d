//! How the pods of a run were replaced, where no settings told it: from when they came and went.

use std::time::Duration;

use lapse_explain::world::PodLife;
use lapse_lab::duration_range::DurationRange;
use lapse_lab::strategy::{BlueGreen, KeepOld, Strategy, Switch};
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_record::event::EventKind;

use crate::known::Known;
use crate::seen::Seen;
use crate::settings::{in_bounds, rolling};

/// New pods that had been ready for so long before an old one ended were waited for.
const WAITED: Duration = Duration::from_millis(500);
/// Longer than any rollout of the lab: it is rolled back when it is complete.
const AT_THE_END: Duration = Duration::from_secs(30);

/// The number of replicas, as the pods show it.
pub(crate) fn replicas(seen: &Seen<'_>) -> Option<Known<u32>> {
    let first = seen.old.first()?.deleting?;
    let serving = before(seen, first);
    let pods = if serving == 0 { seen.old.len() } else { serving };
    Some(Known::shown(in_bounds(pods as u64), format!("{pods} pods were there when the first was deleted")))
}

/// The pods that were there before the rollout, at this time.
fn before(seen: &Seen<'_>, at: Offset) -> usize {
    let created = |pod: &&&PodLife<'_>| pod.created.is_none_or(|created| created < seen.window.from);
    let old = seen.world.pods.iter().collect::<Vec<_>>();
    old.iter().filter(|pod| created(pod) && pod.deleting.is_none_or(|deleting| deleting >= at)).count()
}

/// How the pods were replaced, as they show it.
pub(crate) fn strategy(seen: &Seen<'_>, replicas: u32) -> Option<Known<Strategy>> {
    let (first, last) = (seen.old.first()?.deleting?, seen.old.last()?.deleting?);
    let created = seen.young.iter().filter_map(|pod| pod.created).min()?;
    let ended = seen.old.iter().filter_map(|pod| pod.exited().map(|(at, _)| at).or(pod.gone)).max();
    if last < created && ended.is_none_or(|ended| ended <= created + WAITED) && replicas > 1 {
        return Some(Known::shown(Strategy::Recreate, "all old pods had ended when the first new one was created"));
    }
    let times: Vec<Offset> = seen.old.iter().chain(&seen.young).flat_map(|pod| changes(pod)).collect();
    let count = |at: Offset, from: fn(&PodLife<'_>) -> Option<Offset>| {
        let is_there = |pod: &&&&PodLife<'_>| {
            let since =
                if seen.young.iter().any(|young| young.name == pod.name) { from(pod) } else { Some(Offset::ZERO) };
            since.is_some_and(|since| since <= at) && pod.deleting.is_none_or(|deleting| at < deleting)
        };
        seen.old.iter().chain(&seen.young).collect::<Vec<_>>().iter().filter(|pod| is_there(pod)).count()
    };
    let most = times.iter().map(|at| count(*at, |pod| pod.created)).max()?;
    let fewest = times.iter().filter(|at| **at >= first).map(|at| count(*at, |pod| pod.ready)).min()?;
    let surge = in_pods(most).saturating_sub(in_pods(seen.old.len()));
    let unavailable = in_pods(seen.old.len()).saturating_sub(in_pods(fewest));
    let says = format!("{most} pods at the most and {fewest} ready ones at the least, beside those that were ending");
    Some(Known::shown(rolling(surge, unavailable, waited(seen)), says))
}

fn in_pods(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn changes(pod: &PodLife<'_>) -> Vec<Offset> {
    [pod.created, pod.ready, pod.deleting].into_iter().flatten().collect()
}

/// How long after its beginning the rollout was rolled back; `None` if it was not.
pub(crate) fn rolled_back(seen: &Seen<'_>) -> Option<Known<DurationRange>> {
    let (began, back) = seen.rollback?;
    if seen.world.events_of(Span::new(began, back), &[EventKind::RolloutComplete]).next().is_some() {
        let says = "told by the cluster: the pods are to be again what they were, once all were new";
        return Some(Known::shown(DurationRange::exactly(AT_THE_END), says));
    }
    let after = Duration::from_millis(u64::try_from(back.since(began).as_millis()).unwrap_or(u64::MAX));
    Some(Known::shown(DurationRange::exactly(after), "told by the cluster: the pods are to be again what they were"))
}

/// How long new pods had been ready before an old one was deleted; zero if that may be chance.
fn waited(seen: &Seen<'_>) -> Duration {
    let wait = |old: &&PodLife<'_>| {
        let deleting = old.deleting?;
        let ready = seen.young.iter().filter_map(|pod| pod.ready).filter(|ready| *ready <= deleting).max()?;
        Some(deleting.since(ready))
    };
    let shortest = seen.old.iter().filter_map(wait).min().filter(|wait| *wait >= WAITED);
    shortest.map(|wait| Duration::from_secs(wait.as_secs())).unwrap_or_default()
}

/// When the switch of a blue-green rollout came, and how long old pods stayed after it.
pub(crate) fn blue_green(seen: &Seen<'_>) -> Known<Strategy> {
    let whole = Span::new(seen.window.from, seen.window.to);
    let switched = seen.world.events_of(whole, &[EventKind::SelectorSwitched]).next().map(|event| event.at);
    let ready = seen.young.iter().map(|pod| pod.ready).max().flatten();
    let deleted = seen.old.iter().filter_map(|pod| pod.deleting).min();
    let at = switched.or_else(|| seen.old.iter().filter_map(|pod| pod.left).min());
    let Some(at) = at else {
        return Known::assumed(Strategy::BlueGreen(BlueGreen::default()), "nothing told when the switch came");
    };
    let early = ready.is_none_or(|ready| at < ready);
    let switch = if early { Switch::WhenCreated } else { Switch::WhenReady };
    let keep_old = deleted.map_or(KeepOld::Always, |deleted| {
        let kept = Duration::from_millis(u64::try_from(deleted.since(at).as_millis()).unwrap_or(u64::MAX));
        let is_at_once = kept < Duration::from_millis(100);
        KeepOld::For(if is_at_once { DurationRange::ZERO } else { DurationRange::exactly(kept) })
    });
    let says = if early {
        "the switch came before all new pods were ready"
    } else {
        "all new pods were ready before the switch"
    };
    Known::shown(Strategy::BlueGreen(BlueGreen { switch, keep_old }), says)
}
