//! How failures lie to the endpoints: whether any pod was listed, and for how long that was wrong.

use std::time::Duration;

use super::NO_CLUSTER;
use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{at, from, some};
use lapse_measure::span::Span;
use lapse_measure::time::Human;
use lapse_record::event::EventKind;

/// A list may be empty for this long without an effect: it takes a hop that long to hear of it.
const MARGIN: Duration = Duration::from_millis(300);

/// The part of the run in which the endpoints may have caused the case.
fn reach(case: &Case<'_>) -> Span {
    Span::new(case.span.from.back(Duration::from_secs(1)), case.span.to)
}

/// The endpoints were empty at some time of the case, or right before it.
pub(crate) fn empty(case: &Case<'_>) -> Outcome {
    match case.world.fewest_routed(reach(case)) {
        Some((0, since)) => {
            let until = case.world.routed_again(since);
            let until =
                until.map_or_else(|| "to the end of the run".to_owned(), |until| format!("until {}", at(until)));
            Outcome::Seen(format!("no pod was in the endpoints from {} {until}", at(since)))
        }
        Some((fewest, _)) => {
            Outcome::Contrary(format!("{} or more stayed in the endpoints", some(fewest as u64, "pod")))
        }
        None => Outcome::Unknown(NO_CLUSTER),
    }
}

/// At least one pod was in the endpoints all the time.
pub(crate) fn remained(case: &Case<'_>) -> Outcome {
    empty(case).opposite()
}

/// Fewer pods were in the endpoints than before, and more than none.
pub(crate) fn fewer(case: &Case<'_>) -> Outcome {
    let before = case.world.routed(case.span.from.back(Duration::from_secs(1)));
    let wanted =
        case.world.settings(case.span.from).map(|settings| usize::try_from(settings.replicas).unwrap_or(usize::MAX));
    match (wanted.or(before), case.world.fewest_routed(reach(case))) {
        (Some(wanted), Some((fewest, since))) if 0 < fewest && fewest < wanted => Outcome::Seen(format!(
            "{fewest} of {} in the endpoints from {}",
            some(wanted as u64, "wanted pod"),
            at(since)
        )),
        (Some(_), Some((fewest, _))) => {
            Outcome::Contrary(format!("{} or more were in the endpoints", some(fewest as u64, "pod")))
        }
        _ => Outcome::Unknown(NO_CLUSTER),
    }
}

/// The endpoints were empty, or had fewer pods than wanted.
pub(crate) fn empty_or_fewer(case: &Case<'_>) -> Outcome {
    empty(case).or(|| fewer(case))
}

/// The failures went on for longer than the endpoints were empty, by a hop's refresh and more.
pub(crate) fn outlasted_the_list(case: &Case<'_>) -> Outcome {
    let Some((fewest, since)) = case.world.fewest_routed(reach(case)) else { return Outcome::Unknown(NO_CLUSTER) };
    if fewest > 0 {
        return Outcome::Seen(format!(
            "{} or more stayed in the endpoints, so the list that the hop went by was wrong",
            some(fewest as u64, "pod")
        ));
    }
    match case.world.routed_again(since) {
        Some(again) if case.span.to > again + MARGIN => Outcome::Seen(format!(
            "failures went on until {}, {} a pod was in the endpoints again",
            at(case.span.to),
            from(case.span.to, again)
        )),
        Some(again) => {
            Outcome::Contrary(format!("failures ended {} a pod was in the endpoints again", from(case.span.to, again)))
        }
        None => Outcome::Absent,
    }
}

/// Failures ended once a pod was in the endpoints again.
pub(crate) fn ended_with_the_list(case: &Case<'_>) -> Outcome {
    let Some((0, since)) = case.world.fewest_routed(reach(case)) else { return Outcome::Absent };
    let Some(again) = case.world.routed_again(since) else { return Outcome::Absent };
    // The longer the list was empty, the more have to hear that it is not.
    if case.span.to <= again + (MARGIN * 3).max(again.since(since)) {
        return Outcome::Seen(format!("failures ended {} a pod was in the endpoints again", from(case.span.to, again)));
    }
    let tail = case.span.to.since(again);
    Outcome::Contrary(format!("failures went on for {} after a pod was in the endpoints again", Human(tail)))
}

/// The control plane took long to take an ending pod out of the endpoints.
pub(crate) fn control_plane_was_slow(case: &Case<'_>) -> Outcome {
    let slow = case.ending_pods().filter_map(|pod| Some((pod, pod.left?.since(pod.deleting?))));
    match slow.max_by_key(|(_, took)| *took) {
        Some((pod, took)) if took >= Duration::from_secs(1) => Outcome::Seen(format!(
            "{} left the endpoints {} after its deletion: that is the control plane, not the pod",
            pod.name,
            Human(took)
        )),
        Some((pod, took)) => {
            Outcome::Contrary(format!("{} left the endpoints {} after its deletion", pod.name, Human(took)))
        }
        None => Outcome::Absent,
    }
}

/// New connections failed long after the ending pods had left the endpoints. Kept ones say nothing of routes.
pub(crate) fn routes_lagged(case: &Case<'_>) -> Outcome {
    let Some(last) = case.new.last else { return Outcome::Contrary("new connections lost nothing".to_owned()) };
    let lag = case.ending_pods().filter_map(|pod| Some((pod, pod.left.filter(|left| *left <= last)?)));
    match lag.max_by_key(|(_, left)| *left) {
        Some((pod, left)) if last.since(left) >= Duration::from_secs(2) => Outcome::Seen(format!(
            "the last failure of a new connection came {} after {} had left the endpoints",
            Human(last.since(left)),
            pod.name
        )),
        Some((pod, left)) => Outcome::Contrary(format!(
            "the last failure of a new connection came {} after {} had left the endpoints",
            Human(last.since(left)),
            pod.name
        )),
        None => Outcome::Absent,
    }
}

/// A hop of the path took a new list of endpoints over, which ended the case.
pub(crate) fn ended_with_a_hop(case: &Case<'_>) -> Outcome {
    let near = Span::new(case.span.to.back(MARGIN), case.span.to + MARGIN);
    match case.world.events_of(near, &[EventKind::HopSynced, EventKind::TargetHealth]).next() {
        Some(event) => Outcome::Seen(format!("failures ended as a hop took a new list over, at {}", at(event.at))),
        None => Outcome::Absent,
    }
}
