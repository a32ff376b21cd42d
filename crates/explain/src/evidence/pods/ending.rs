//! How old pods end: when failures began with it, and how their containers ended.

use std::time::Duration;

use super::{EARLY, NO_CLUSTER, NO_SETTINGS, SIDECARS, SUDDEN, UNDER_WAY, lost, settings_pre_stop};
use crate::case::{Case, NEAR};
use crate::cause::Outcome;
use crate::phrase::{at, from, some};
use lapse_measure::time::{Human, Offset};
use lapse_record::event::EventKind;

/// When a pod that was deleted stopped serving at the earliest: after its preStop hook, or with its exit if that came
/// sooner.
fn stops_serving(case: &Case<'_>, pod: &crate::world::PodLife<'_>) -> Option<Offset> {
    let deleting = pod.deleting?;
    let hook = settings_pre_stop(case).unwrap_or_default();
    let exited = pod.exited().map(|(exited, _)| exited.back(case.world.heard).max(deleting));
    let after_the_hook = pod.sigterm.unwrap_or(deleting + hook);
    Some(exited.map_or(after_the_hook, |exited| exited.min(after_the_hook)))
}

/// The first failure began between a pod's deletion, or SIGTERM, and its exit.
pub(crate) fn began_with_an_end(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first = case.span.from;
    let met = case.world.pods.iter().filter_map(|pod| {
        let deleting = pod.deleting?;
        let stops = stops_serving(case, pod)?;
        let until = pod.exited().map(|(exited, _)| exited).or(pod.gone).unwrap_or(deleting) + NEAR;
        (first + EARLY >= stops && first <= until).then_some((pod, deleting))
    });
    let named = case.first_backend();
    let distance = |at: Offset| first.since(at).max(at.since(first));
    let several = case.ending_pods().nth(1).is_some();
    match met.min_by_key(|(pod, deleting)| (named != Some(pod.name), distance(*deleting))) {
        Some((pod, deleting)) => {
            let exit = match pod.exited() {
                Some((exited, _)) => format!(", {} its exit was seen", from(first, exited)),
                None => String::new(),
            };
            let left = match pod.left {
                // With several pods the last failure is the last one's.
                Some(left) if left >= deleting && !several => {
                    format!("; the last one came {} it left the endpoints", from(case.span.to, left))
                }
                _ => String::new(),
            };
            Outcome::Seen(format!(
                "{}: the first came {} the deletion of {} was seen{exit}{left}",
                lost(case),
                from(first, deleting),
                pod.name
            ))
        }
        None => Outcome::Contrary(format!("no pod was ending when failures began at {}", at(first))),
    }
}

/// No pod was ending: only the contrary says anything.
pub(crate) fn none_was_ending(case: &Case<'_>) -> Outcome {
    began_with_an_end(case).only_against()
}

/// The first failure came when a pod's process ended, not when its deletion began.
pub(crate) fn began_with_an_exit(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first = case.span.from;
    let met = case.ending_pods().find_map(|pod| {
        let (exited, _) = pod.exited()?;
        let deleting = pod.deleting?;
        // Where the deletion itself lies as near, it is no evidence for the exit.
        let near = first + EARLY >= exited.back(case.world.heard) && first <= exited + EARLY;
        // Nothing makes a process exit before SIGTERM is sent.
        let told = pod.sigterm.is_none_or(|sigterm| first + UNDER_WAY >= sigterm);
        (near && told && first >= deleting).then_some((pod, exited))
    });
    match met {
        Some((pod, exited)) => {
            Outcome::Seen(format!("failures began {} the exit of {} was seen", from(first, exited), pod.name))
        }
        None if case.ending_pods().next().is_some() => Outcome::Absent,
        None => Outcome::Contrary(format!("no pod was ending when failures began at {}", at(first))),
    }
}

/// The failures began only when a pod had ended and was gone from the endpoints, or about to be.
pub(crate) fn had_left_before_its_exit(case: &Case<'_>) -> Outcome {
    let met = case.ending_pods().find_map(|pod| Some((pod, pod.left?, pod.exited()?.0)));
    match met {
        Some((pod, left, exited)) if left + Duration::from_millis(100) < exited => Outcome::Seen(format!(
            "{} had left the endpoints {} before its exit was seen",
            pod.name,
            Human(exited.since(left))
        )),
        Some(_) => Outcome::Absent,
        None if case.world.watched => Outcome::Absent,
        None => Outcome::Unknown(NO_CLUSTER),
    }
}

/// A pod was killed with SIGKILL after it had been told to end.
pub(crate) fn killed(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let exits = || case.ending_pods().filter_map(|pod| Some((pod, pod.exited()?.1?)));
    if let Some((pod, exit)) = exits().find(|(_, exit)| exit.was_killed() && exit.reason != "OOMKilled") {
        let took = pod.took_to_end().unwrap_or_default();
        let container =
            if exit.container.is_empty() { String::new() } else { format!("container {} of ", exit.container) };
        return Outcome::Seen(format!(
            "{container}{} was killed (exit code 137), as was seen {} after its deletion",
            pod.name,
            Human(took)
        ));
    }
    match exits().find_map(|(pod, exit)| Some((pod, exit.code?))) {
        Some((pod, code)) => Outcome::Contrary(format!("{} ended by itself, with exit code {code}", pod.name)),
        None => Outcome::Unknown(
            "the exit codes of the old pods are not known: the pods were gone before they were reported",
        ),
    }
}

/// No pod was killed: only the contrary says anything.
pub(crate) fn ended_by_itself(case: &Case<'_>) -> Outcome {
    killed(case).only_against()
}

/// A pod ended within moments of its preStop hook, with the code of an unhandled SIGTERM or with 0.
pub(crate) fn ended_at_once(case: &Case<'_>) -> Outcome {
    let hook = settings_pre_stop(case).unwrap_or_default();
    let met = case.ending_pods().find_map(|pod| {
        let code = pod.exited()?.1?.code?;
        let took = pod.took_to_end()?;
        let limit = if code == 143 { SUDDEN } else { case.world.heard };
        (matches!(code, 0 | 143) && took <= hook + limit).then_some((pod, code, took))
    });
    match met {
        Some((pod, code, took)) => Outcome::Seen(format!(
            "{} was seen to have ended, with exit code {code}, {} after its deletion: no request was waited for",
            pod.name,
            Human(took)
        )),
        None => Outcome::Absent,
    }
}

/// The old pods took as long to end as they were allowed to.
pub(crate) fn used_up_its_grace(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.old_settings(case.span.from) else { return Outcome::Unknown(NO_SETTINGS) };
    let (grace, slack) = (settings.grace, settings.grace / 5 + SUDDEN);
    let took = case.ending_pods().filter_map(|pod| Some((pod, pod.took_to_end()?)));
    match took.max_by_key(|(_, took)| *took) {
        Some((pod, took)) if took + Duration::from_millis(50) >= grace && took <= grace + slack => Outcome::Seen(
            format!("{} ended {} after its deletion, and its grace period is {}", pod.name, Human(took), Human(grace)),
        ),
        Some((pod, took)) => Outcome::Contrary(format!(
            "{} ended {} after its deletion, its grace period is {}",
            pod.name,
            Human(took),
            Human(grace)
        )),
        None => Outcome::Absent,
    }
}

/// A sidecar ended before another container of the same pod, or the other way round.
pub(crate) fn sidecar_ended_first(case: &Case<'_>) -> Outcome {
    let met = case.ending_pods().find_map(|pod| {
        let named = |sidecar: bool| {
            pod.exits
                .iter()
                .filter_map(|(at, exit)| Some((*at, exit.as_ref()?.container.as_str())))
                .find(move |(_, name)| SIDECARS.iter().any(|known| name.contains(known)) == sidecar)
        };
        let ((side, name), (app, _)) = (named(true)?, named(false)?);
        (side <= app).then_some((pod, name, app.since(side)))
    });
    match met {
        Some((pod, name, before)) => {
            Outcome::Seen(format!("{name} of {} ended {} before the application did", pod.name, Human(before)))
        }
        None if case.world.watched => Outcome::Absent,
        None => Outcome::Unknown(NO_CLUSTER),
    }
}

/// All pods were deleted within a second, and no workload had begun a rollout.
pub(crate) fn deleted_together(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let old: Vec<_> = case.ending_pods().filter_map(|pod| pod.deleting).collect();
    let (Some(first), Some(last)) = (old.iter().min(), old.iter().max()) else {
        return Outcome::Contrary("no pod was deleted".to_owned());
    };
    let stayed = case
        .world
        .pods
        .iter()
        .filter(|pod| pod.ready.is_some_and(|ready| ready <= *first) && pod.is_wanted(*last + EARLY));
    let stayed = stayed.count();
    let rolled = case.world.events.iter().any(|event| {
        event.kind == EventKind::RolloutStarted && event.at <= *last && event.at + Duration::from_secs(60) >= *first
    });
    if old.len() > 1 && last.since(*first) <= Duration::from_secs(1) && stayed == 0 && !rolled {
        Outcome::Seen(format!(
            "{} were deleted within {} from {}, and no workload was being rolled out",
            some(old.len() as u64, "pod"),
            Human(last.since(*first)),
            at(*first)
        ))
    } else if rolled {
        Outcome::Contrary("a workload was being rolled out".to_owned())
    } else {
        Outcome::Contrary(format!("{} stayed when the others were deleted", some(stayed as u64, "pod")))
    }
}

/// Few replicas, and old pods end as soon as new ones are ready.
pub(crate) fn ends_as_soon_as_ready(case: &Case<'_>) -> Outcome {
    let gap = case.ending_pods().filter_map(|pod| {
        let deleting = pod.deleting?;
        let ready = case.world.replaced(pod, deleting)?;
        Some((pod, deleting.since(ready)))
    });
    match gap.min_by_key(|(_, gap)| *gap) {
        Some((pod, gap)) if gap <= Duration::from_secs(2) => {
            Outcome::Seen(format!("{} was deleted {} after a new pod was ready", pod.name, Human(gap)))
        }
        Some((pod, gap)) => {
            Outcome::Contrary(format!("{} was deleted {} after a new pod was ready", pod.name, Human(gap)))
        }
        None => Outcome::Absent,
    }
}

/// Failed requests went to the own addresses of pods that had left the endpoints or ended.
pub(crate) fn sent_to_pods_that_had_left(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let host = case.target.url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if host == "pods" || host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return Outcome::Contrary(format!("{} was probed by address: no name was asked", case.target.name));
    }
    let sent = case.failures.iter().filter_map(|one| Some((one.evidence.peer?.ip().to_canonical(), one.probe.sent)));
    let sent: Vec<_> = sent.collect();
    let of_pods = || {
        sent.iter().filter_map(|(address, at)| {
            let pod = case.world.pods.iter().rfind(|pod| pod.address == Some(*address))?;
            Some((pod, *at))
        })
    };
    if sent.is_empty() || case.world.pods.iter().all(|pod| pod.address.is_none()) {
        return Outcome::Unknown("it is not known which addresses are those of pods, or which ones failed");
    }
    let stale = || of_pods().filter_map(|(pod, at)| Some((pod, at.since(pod.out().filter(|out| *out <= at)?))));
    match stale().max_by_key(|(_, late)| *late) {
        Some((pod, late)) if stale().count() * 2 >= sent.len() => Outcome::Seen(format!(
            "{} went to the own address of a pod that was out of the endpoints, up to {} after {} was",
            some(stale().count() as u64, "failed request"),
            Human(late),
            pod.name
        )),
        _ if of_pods().next().is_none() => {
            Outcome::Contrary("no failed request went to a pod's own address".to_owned())
        }
        _ => Outcome::Absent,
    }
}
