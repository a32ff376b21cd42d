//! How new pods start, and in which order with the end of old ones.

use std::time::Duration;

use super::super::CUT;
use super::{EARLY, JOINED_EARLIER, NO_CLUSTER, NO_SETTINGS, is_sidecar, lost};
use crate::case::{Case, NEAR};
use crate::cause::Outcome;
use crate::phrase::{at, from, some};
use crate::world::PodLife;
use lapse_measure::time::Human;
use lapse_record::event::EventKind;
use lapse_record::event::detail::Strategy;

/// The failures began when a new pod was created, became ready or joined the endpoints.
pub(crate) fn began_with_a_start(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first = case.span.from;
    let met = case.world.pods.iter().filter(|pod| pod.created.is_some()).filter_map(|pod| {
        let joined = pod.joined.or(pod.ready)?;
        (first + JOINED_EARLIER >= joined && first <= joined + NEAR).then_some((pod, joined))
    });
    let named = case.first_backend();
    match met.min_by_key(|(pod, joined)| (named != Some(pod.name), first.since(*joined).max(joined.since(first)))) {
        Some((pod, joined)) => Outcome::Seen(format!(
            "{}: the first came {} {} joined the endpoints",
            lost(case),
            from(first, joined),
            pod.name
        )),
        None => Outcome::Contrary(format!("no new pod had just joined the endpoints when it began at {}", at(first))),
    }
}

/// New pods have no readiness probe, or none is known of and they counted as ready at once.
pub(crate) fn ready_at_once(case: &Case<'_>) -> Outcome {
    let settings = case.world.settings(case.span.to).filter(|all| !all.containers.is_empty());
    match settings.map(|all| all.containers.iter().any(|one| one.readiness)) {
        Some(false) => {
            return Outcome::Seen(
                "no container has a readiness probe: a pod counts as ready once its process runs".to_owned(),
            );
        }
        // What a probe is worth its presence does not say.
        Some(true) => return Outcome::Absent,
        None => {}
    }
    let took = case.starting_pods().filter_map(|pod| Some((pod, pod.ready?.since(pod.created?))));
    match took.min_by_key(|(_, took)| *took) {
        Some((pod, took)) if took <= Duration::from_millis(600) => {
            Outcome::Seen(format!("{} counted as ready {} after it was created", pod.name, Human(took)))
        }
        Some((pod, took)) => Outcome::Contrary(format!("{} took {} to become ready", pod.name, Human(took))),
        None => Outcome::Unknown(NO_SETTINGS),
    }
}

/// The failures ended while the new pods stayed: they only needed time.
pub(crate) fn got_over_it(case: &Case<'_>) -> Outcome {
    let last = case.span.to;
    if case.record.cut {
        return Outcome::Unknown(CUT);
    }
    if case.record.seen.end.since(last) < Duration::from_millis(500) {
        return Outcome::Contrary("it had not ended when the run did".to_owned());
    }
    let new = || case.world.pods.iter().filter(|pod| pod.created.is_some_and(|created| created <= last));
    let went = new().filter(|pod| pod.deleting.is_some_and(|at| at <= last + EARLY && at >= case.span.from));
    let went = went.max_by_key(|pod| pod.deleting);
    match (went, new().find(|pod| pod.joined.is_some_and(|joined| joined <= last) && pod.is_wanted(last + EARLY))) {
        (Some(pod), _) => Outcome::Contrary(format!(
            "it ended after {} was deleted at {}",
            pod.name,
            at(pod.deleting.unwrap_or(last))
        )),
        (None, Some(pod)) => {
            Outcome::Seen(format!("it ended at {} while {} stayed: the pod only needed time", at(last), pod.name))
        }
        (None, None) => Outcome::Absent,
    }
}

/// An old pod was deleted before a new one was ready.
pub(crate) fn deleted_before_a_new_one_was_ready(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first_end =
        case.world.pods.iter().filter_map(|pod| Some((pod.deleting?, pod))).filter(|(at, _)| *at <= case.span.to);
    let Some((deleting, pod)) = first_end.min_by_key(|(at, _)| *at) else { return Outcome::Absent };
    if case.world.replaced(pod, deleting + Duration::from_millis(20)).is_some() {
        Outcome::Contrary(format!("{} was deleted at {}, when a new pod was ready", pod.name, at(deleting)))
    } else {
        Outcome::Seen(format!("{} was deleted at {}, before any new pod was ready", pod.name, at(deleting)))
    }
}

/// No new pod was created before the last old one had ended.
pub(crate) fn created_after_all_had_ended(case: &Case<'_>) -> Outcome {
    let old: Vec<_> = case.ending_pods().collect();
    let ended = old.iter().filter_map(|pod| pod.exited().map(|(exited, _)| exited).or(pod.gone)).max();
    let first_deletion = old.iter().filter_map(|pod| pod.deleting).min();
    let created = case.world.pods.iter().filter_map(|pod| pod.created).filter(|at| Some(*at) >= first_deletion).min();
    match (ended, created) {
        (Some(ended), Some(created)) if created + case.world.heard >= ended && !old.is_empty() => {
            Outcome::Seen(format!(
                "the first new pod was created at {}, {} the last old one's exit was seen",
                at(created),
                from(created, ended)
            ))
        }
        (Some(_), Some(created)) => {
            Outcome::Contrary(format!("a new pod was created at {}, before the old ones had ended", at(created)))
        }
        _ => Outcome::Absent,
    }
}

/// The cluster reported why pods could not be scheduled, pulled, mounted or created, or a container waits.
pub(crate) fn cannot_start(case: &Case<'_>) -> Outcome {
    const REASONS: [&str; 7] = [
        "FailedScheduling",
        "Failed",
        "ErrImagePull",
        "FailedCreate",
        "FailedAttachVolume",
        "FailedMount",
        "FailedCreatePodSandBox",
    ];
    if let Some((event, notice)) = case.world.notices(case.around(), &REASONS).next() {
        return Outcome::Seen(format!("at {} the cluster reported {}", at(event.at), notice.reason));
    }
    let waits = case
        .world
        .events_of(case.around(), &[EventKind::ContainerWaiting, EventKind::RolloutStuck, EventKind::RolloutFailed])
        .next();
    match waits {
        Some(event) => Outcome::Seen(format!("at {}: {}", at(event.at), event.kind)),
        None if case.world.watched => Outcome::Absent,
        None => Outcome::Unknown(NO_CLUSTER),
    }
}

/// The workload's strategy ends all old pods before it creates new ones.
pub(crate) fn recreates(case: &Case<'_>) -> Outcome {
    match case.world.settings(case.span.from).map(|settings| settings.strategy) {
        Some(Strategy::Recreate) => Outcome::Seen("the workload's strategy is Recreate".to_owned()),
        Some(_) => Outcome::Contrary("the workload's strategy is not Recreate".to_owned()),
        None => Outcome::Unknown(NO_SETTINGS),
    }
}

/// The workload may have as many pods missing as it has.
pub(crate) fn may_miss_all(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.settings(case.span.from) else { return Outcome::Unknown(NO_SETTINGS) };
    match settings.strategy {
        Strategy::RollingUpdate { max_unavailable, max_surge } if max_unavailable >= settings.replicas => {
            Outcome::Seen(format!(
                "{} wanted, maxUnavailable {max_unavailable}, maxSurge {max_surge}: all may be missing",
                some(settings.replicas, "pod")
            ))
        }
        _ => Outcome::Contrary(format!(
            "not all of the {} may be missing at once",
            some(settings.replicas, "wanted pod")
        )),
    }
}

/// The pods have a container that is named as a proxy, beside another one.
pub(crate) fn have_a_sidecar(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.settings(case.span.to) else { return Outcome::Unknown(NO_SETTINGS) };
    match settings.containers.iter().find(|container| is_sidecar(&container.name)) {
        Some(container) if settings.containers.len() > 1 => {
            Outcome::Seen(format!("each pod has the container {} beside the application", container.name))
        }
        _ => Outcome::Contrary("no container of the pods is named as a proxy".to_owned()),
    }
}

/// Failures began in a rollout, before any new pod got requests.
pub(crate) fn before_any_new_pod(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first = case.span.from;
    let new = case.world.pods.iter().filter(|pod| pod.created.is_some());
    match new.filter_map(|pod| Some((pod.joined.or(pod.ready)?, pod.name))).min() {
        Some((joined, name)) if joined <= first + EARLY => {
            Outcome::Contrary(format!("{name} joined the endpoints at {}, before failures began", at(joined)))
        }
        Some((joined, name)) if case.world.pods.iter().any(PodLife::is_old) => Outcome::Seen(format!(
            "failures began at {}, when only old pods served: {name}, the first new one, came at {}",
            at(first),
            at(joined)
        )),
        _ => Outcome::Contrary("no old pod was replaced by a new one".to_owned()),
    }
}

/// Failures came all the time between the first new pod and the end of the last old one, and at no other.
pub(crate) fn while_both_versions_served(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let joined = case.world.pods.iter().filter(|pod| pod.created.is_some());
    let joined = joined.filter_map(|pod| pod.joined.or(pod.ready)).min();
    let old: Option<Vec<_>> = case.world.pods.iter().filter(|pod| pod.created.is_none()).map(PodLife::out).collect();
    let (Some(joined), Some(out)) = (joined, old.and_then(|old| old.into_iter().max())) else {
        return Outcome::Contrary("old and new pods did not follow one another".to_owned());
    };
    let inside = case.span.from + EARLY >= joined && case.span.to <= out + case.world.heard;
    let covered = case.span.to.min(out).since(case.span.from.max(joined)) >= out.since(joined).mul_f64(0.8);
    let both = format!("both versions served from {} to {}", at(joined), at(out));
    let failures = format!("failures came from {} to {}", at(case.span.from), at(case.span.to));
    if inside && covered && out > joined + EARLY {
        Outcome::Seen(format!("{both}, and {failures}"))
    } else {
        Outcome::Contrary(format!("{both}, but {failures}"))
    }
}

/// Old pods wrote the failed answers, by the header that names them.
pub(crate) fn old_pods_failed(case: &Case<'_>) -> Outcome {
    let named = case.failures.iter().filter_map(|failure| failure.evidence.backend.as_deref());
    let pods: Vec<_> = named.filter_map(|name| case.world.pods.iter().find(|pod| pod.name == name)).collect();
    let old = pods.iter().filter(|pod| pod.created.is_none()).count();
    match (old, pods.len()) {
        (_, 0) => Outcome::Unknown(
            "which pod answered is not known: `--backend-header NAME` records it where the service names itself",
        ),
        (old, all) if old == all => {
            Outcome::Seen(format!("old pods wrote {} of the failed answers", some(old as u64, "one")))
        }
        (old, all) => Outcome::Contrary(format!("new pods wrote {} of {all} failed answers", all - old)),
    }
}

/// The answers came from no pod that was watched, by the name that it gives, or by an address that a pod had given up.
pub(crate) fn a_stranger_answered(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let named: Vec<_> = case.failures.iter().filter_map(|failure| failure.evidence.backend.as_deref()).collect();
    let known = |name: &str| case.world.pods.iter().any(|pod| pod.name == name);
    // A header that names no pod at all, but a version or a zone, makes no stranger.
    let names_pods = case.record.summary.pods.iter().any(|pod| pod.served > 0 && known(&pod.name));
    if let Some(stranger) = named.iter().find(|name| names_pods && !known(name)) {
        return Outcome::Seen(format!("{stranger} answered, which is no pod of this workload"));
    }
    let gone = case.failures.iter().find_map(|failure| {
        let address = failure.evidence.peer?.ip().to_canonical();
        let pod = case.world.pods.iter().rfind(|pod| pod.address == Some(address))?;
        pod.gone.filter(|gone| *gone <= failure.probe.sent).map(|_| (pod, address))
    });
    match gone {
        Some((pod, address)) => {
            Outcome::Seen(format!("{address} answered, the address of {}, which was gone", pod.name))
        }
        None if !named.is_empty() => Outcome::Contrary("the pods of this workload wrote the answers".to_owned()),
        None => Outcome::Unknown(
            "which pod answered is not known: `--backend-header NAME` records it where the service names itself",
        ),
    }
}
