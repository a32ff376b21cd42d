//! Probes, restarts and crashes of pods that were to stay.

use super::NO_CLUSTER;
use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{at, some};
use crate::world::PodLife;
use lapse_measure::time::Offset;
use lapse_record::event::detail::Probe;
use lapse_record::event::{EventKind, ObjectKind};

/// Pods that were not being deleted lost their readiness.
pub(crate) fn lost_readiness(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let span = case.around();
    let lost = case.world.pods.iter().filter_map(|pod| {
        let unready = pod.unready.iter().find(|at| span.from <= **at && **at <= case.span.to && pod.is_wanted(**at))?;
        // A container that exited takes its readiness along.
        let exited =
            pod.exits.iter().any(|(exit, _)| unready.since(*exit).max(exit.since(*unready)) <= case.world.heard);
        (!exited).then_some((pod, *unready))
    });
    let lost: Vec<_> = lost.collect();
    match lost.first() {
        Some((pod, unready)) => Outcome::Seen(format!(
            "{} lost readiness without being deleted, {} first at {}",
            some(lost.len() as u64, "pod"),
            pod.name,
            at(*unready)
        )),
        None => Outcome::Contrary("no pod lost its readiness while it was to stay".to_owned()),
    }
}

/// The kubelet reported a failed readiness probe of a pod that was not being deleted.
pub(crate) fn readiness_probe_failed(case: &Case<'_>) -> Outcome {
    unhealthy(case, Probe::Readiness, "readiness")
}

/// The kubelet reported a failed liveness or startup probe.
pub(crate) fn liveness_probe_failed(case: &Case<'_>) -> Outcome {
    let restarting = case.world.events_of(case.around(), &[EventKind::PodRestarting]).next();
    if let Some(event) = restarting {
        return Outcome::Seen(format!("at {} a pod failed its liveness probe and was restarted", at(event.at)));
    }
    unhealthy(case, Probe::Liveness, "liveness").or(|| unhealthy(case, Probe::Startup, "startup"))
}

fn unhealthy(case: &Case<'_>, probe: Probe, word: &str) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let about_a_pod_to_stay = |event: &lapse_record::event::Event| {
        let name =
            event.object.as_ref().filter(|object| object.kind == ObjectKind::Pod).map(|object| object.name.as_str());
        let pod = case.world.pods.iter().find(|pod| Some(pod.name) == name);
        pod.is_none_or(|pod| pod.is_wanted(event.at))
    };
    let mut notices = case.world.notices(case.around(), &["Unhealthy"]);
    match notices.find(|(event, notice)| notice.probe == Some(probe) && about_a_pod_to_stay(event)) {
        Some((event, _)) => Outcome::Seen(format!("at {} the kubelet reported a failed {word} probe", at(event.at))),
        None => Outcome::Absent,
    }
}

/// A container ended, or was started again, in a pod that was not being deleted.
pub(crate) fn crashed_in_place(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let span = case.around();
    let inside = |at: &Offset| span.from <= *at && *at <= case.span.to;
    let exit_of = |pod: &'_ PodLife<'_>| {
        pod.exits
            .iter()
            .find(|(at, _)| inside(at) && pod.is_wanted(*at))
            .map(|(at, exit)| (*at, exit.map(|exit| (exit.code, exit.reason.clone()))))
    };
    match case.world.pods.iter().find_map(|pod| Some((pod, exit_of(pod)?))) {
        Some((pod, (exited, how))) => {
            let how = how.map(|(code, reason)| {
                let code = code.map_or_else(String::new, |code| format!(" with exit code {code}"));
                if reason.is_empty() { code } else { format!("{code} ({reason})") }
            });
            Outcome::Seen(format!(
                "a container of {} was seen to have ended{} at {}, and its pod was not being deleted",
                pod.name,
                how.unwrap_or_default(),
                at(exited)
            ))
        }
        None => Outcome::Contrary("no container ended but those of deleted pods".to_owned()),
    }
}

/// Pods were started again and again, or could not be started.
pub(crate) fn restarted(case: &Case<'_>) -> Outcome {
    let span = case.around();
    let restarts: Vec<_> = case
        .world
        .pods
        .iter()
        .flat_map(|pod| pod.restarts.iter().map(move |at| (pod, *at)))
        .filter(|(_, at)| span.from <= *at && *at <= span.to)
        .collect();
    match restarts.first() {
        Some((pod, first)) => Outcome::Seen(format!(
            "{} of containers, the first of {} at {}",
            some(restarts.len() as u64, "restart"),
            pod.name,
            at(*first)
        )),
        None if case.world.watched => Outcome::Contrary("no container was restarted".to_owned()),
        None => Outcome::Unknown(NO_CLUSTER),
    }
}
