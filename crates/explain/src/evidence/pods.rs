//! How failures lie to the lives of pods: what ended, what started, and how.

use std::time::Duration;

use super::{NO_CLUSTER, NO_SETTINGS};
use crate::case::{Case, NEAR};
use crate::cause::Outcome;
use crate::phrase::{at, from, some};
use crate::world::PodLife;
use lapse_measure::time::{Human, Offset};
use lapse_record::event::detail::{PreStop, Probe, Strategy};
use lapse_record::event::{EventKind, ObjectKind};

/// How far before an event failures may begin and still be its consequence: a watch hears of it late, and requests that
/// were under way when it happened were due before.
const EARLY: Duration = Duration::from_millis(300);
/// How far before a pod's joining failures may begin: nothing goes to it sooner, but a watch hears of it late.
const JOINED_EARLIER: Duration = Duration::from_millis(60);
/// How long before the end of a process the requests may have been due that its end cuts.
const UNDER_WAY: Duration = Duration::from_millis(100);
/// A pod that ended within this time of SIGTERM did not drain.
const SUDDEN: Duration = Duration::from_millis(1_500);

/// Parts of the names that containers of proxies beside an application have.
const SIDECARS: [&str; 6] = ["istio-proxy", "linkerd-proxy", "envoy", "proxy", "cloud-sql-proxy", "sidecar"];

/// The words for what was lost, with the times of the first and the last failure.
fn lost(case: &Case<'_>) -> String {
    let what = match (case.new.failed, case.reused.failed) {
        (0, 0) => some(case.slow, "slow answer"),
        (new, 0) => format!("{} on new connections", some(new, "failure")),
        (0, reused) => format!("{} on kept connections", some(reused, "failure")),
        _ => some(case.failed(), "failure"),
    };
    if case.span.from == case.span.to {
        return format!("{what} at {}", at(case.span.from));
    }
    format!("{what} from {} to {}", at(case.span.from), at(case.span.to))
}

/// The first failure began between a pod's deletion, or SIGTERM, and its exit.
pub(crate) fn began_with_an_end(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let first = case.span.from;
    let met = case.world.pods.iter().filter_map(|pod| {
        let deleting = pod.deleting?;
        let until = pod.exited().map(|(exited, _)| exited).or(pod.gone).unwrap_or(deleting) + NEAR;
        (first + EARLY >= deleting && first <= until).then_some((pod, deleting))
    });
    match met.min_by_key(|(_, deleting)| first.since(*deleting)) {
        Some((pod, deleting)) => {
            let exit = match pod.exited() {
                Some((exited, _)) => format!(", {} its exit was seen", from(first, exited)),
                None => String::new(),
            };
            let left = match pod.left {
                Some(left) if left >= deleting => {
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
            "{container}{} was killed (exit code 137), {} after its deletion",
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
    match killed(case) {
        Outcome::Seen(text) => Outcome::Contrary(text),
        _ => Outcome::Absent,
    }
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
            "{} ended with exit code {code} {} after its deletion: nothing was waited for",
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

/// The preStop hook of the workload, if its length is known.
fn settings_pre_stop(case: &Case<'_>) -> Option<Duration> {
    case.world.old_settings(case.span.from).map(lapse_record::event::detail::Workload::pre_stop)
}

/// No container waits before SIGTERM, or not for as long as requests still came.
pub(crate) fn no_pre_stop(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.old_settings(case.span.from) else { return Outcome::Unknown(NO_SETTINGS) };
    let hook = settings.pre_stop().min(settings.grace);
    let lag = crate::hop::lag(case).unwrap_or_default();
    if settings.containers.iter().any(|container| container.pre_stop == PreStop::Other) {
        return Outcome::Absent;
    }
    match (hook.is_zero(), hook >= lag) {
        (true, _) => Outcome::Seen("no container has a preStop hook: SIGTERM comes with the deletion".to_owned()),
        (false, true) => Outcome::Contrary(format!("a preStop hook of {} outlasts all failures", Human(hook))),
        (false, false) => Outcome::Seen(format!(
            "the preStop hook takes {}, and failures came up to {} after a deletion",
            Human(hook),
            Human(lag)
        )),
    }
}

/// The preStop hook is as long as the grace period, or longer.
pub(crate) fn pre_stop_exceeds_grace(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.old_settings(case.span.from) else { return Outcome::Unknown(NO_SETTINGS) };
    let (hook, grace) = (settings.pre_stop(), settings.grace);
    if !hook.is_zero() && hook >= grace {
        Outcome::Seen(format!(
            "the preStop hook takes {}, and the grace period, which includes it, is {}",
            Human(hook),
            Human(grace)
        ))
    } else {
        Outcome::Contrary(format!(
            "the grace period of {} leaves {} after the preStop hook",
            Human(grace),
            Human(grace.saturating_sub(hook))
        ))
    }
}

/// A preStop hook is there, and the pod ended before it can have run.
pub(crate) fn pre_stop_did_not_run(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.old_settings(case.span.from) else { return Outcome::Unknown(NO_SETTINGS) };
    let hook = settings.pre_stop().min(settings.grace);
    if hook.is_zero() {
        return Outcome::Contrary("no container has a preStop hook".to_owned());
    }
    let took = case.ending_pods().filter_map(|pod| Some((pod, pod.took_to_end()?)));
    match took.min_by_key(|(_, took)| *took) {
        Some((pod, took)) if took + Duration::from_secs(1) < hook => Outcome::Seen(format!(
            "{} ended {} after its deletion although its preStop hook takes {}",
            pod.name,
            Human(took),
            Human(hook)
        )),
        Some((pod, took)) => {
            Outcome::Contrary(format!("{} outlived its preStop hook: it ended after {}", pod.name, Human(took)))
        }
        None => Outcome::Absent,
    }
}

/// The kubelet reported that a preStop hook failed.
pub(crate) fn pre_stop_failed(case: &Case<'_>) -> Outcome {
    let found = case.world.notices(case.around(), &["FailedPreStopHook"]).next();
    found.map_or(Outcome::Absent, |(event, _)| {
        Outcome::Seen(format!("at {} the cluster reported FailedPreStopHook", at(event.at)))
    })
}

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
    match met.min_by_key(|(_, joined)| first.since(*joined)) {
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
    if case.record.seen.end.since(last) < Duration::from_millis(500) {
        return Outcome::Contrary("it had not ended when the run did".to_owned());
    }
    let new = || case.world.pods.iter().filter(|pod| pod.created.is_some_and(|created| created <= last));
    let went = new().find(|pod| pod.deleting.is_some_and(|at| at <= last + EARLY && at >= case.span.from));
    match (went, new().find(|pod| pod.joined.is_some_and(|joined| joined <= last) && pod.is_wanted(last + EARLY))) {
        (Some(pod), _) => {
            Outcome::Contrary(format!("it ended when {} was deleted at {}", pod.name, at(pod.deleting.unwrap_or(last))))
        }
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
    let ready =
        |at: Offset| case.world.pods.iter().any(|new| new.replaces(pod) && new.ready.is_some_and(|ready| ready <= at));
    if ready(deleting + Duration::from_millis(20)) {
        Outcome::Contrary(format!("{} was deleted at {}, when a new pod was ready", pod.name, at(deleting)))
    } else {
        Outcome::Seen(format!("{} was deleted at {}, before any new pod was ready", pod.name, at(deleting)))
    }
}

/// No new pod was created before the last old one had ended.
pub(crate) fn created_after_all_had_ended(case: &Case<'_>) -> Outcome {
    let old: Vec<_> = case.ending_pods().collect();
    let ended = old.iter().filter_map(|pod| pod.exited().map(|(exited, _)| exited).or(pod.gone)).max();
    let created = case
        .world
        .pods
        .iter()
        .filter_map(|pod| pod.created)
        .filter(|at| old.iter().any(|pod| Some(*at) >= pod.deleting))
        .min();
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
    match unhealthy(case, Probe::Liveness, "liveness") {
        Outcome::Seen(text) => Outcome::Seen(text),
        _ => unhealthy(case, Probe::Startup, "startup"),
    }
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
                "a container of {} ended{} at {}, and its pod was not being deleted",
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

/// Few replicas, and old pods end as soon as new ones are ready.
pub(crate) fn ends_as_soon_as_ready(case: &Case<'_>) -> Outcome {
    let gap = case.ending_pods().filter_map(|pod| {
        let deleting = pod.deleting?;
        let ready = case
            .world
            .pods
            .iter()
            .filter(|new| new.replaces(pod))
            .filter_map(|new| new.ready)
            .filter(|ready| *ready <= deleting)
            .max()?;
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

/// No pod was ending: only the contrary says anything.
pub(crate) fn none_was_ending(case: &Case<'_>) -> Outcome {
    match began_with_an_end(case) {
        Outcome::Seen(text) => Outcome::Contrary(text),
        _ => Outcome::Absent,
    }
}

/// The pods have a container that is named as a proxy, beside another one.
pub(crate) fn have_a_sidecar(case: &Case<'_>) -> Outcome {
    let Some(settings) = case.world.settings(case.span.to) else { return Outcome::Unknown(NO_SETTINGS) };
    let sidecar = |name: &str| SIDECARS.iter().any(|known| name.contains(known));
    match settings.containers.iter().find(|container| sidecar(&container.name)) {
        Some(container) if settings.containers.len() > 1 => {
            Outcome::Seen(format!("each pod has the container {} beside the application", container.name))
        }
        _ => Outcome::Contrary("no container of the pods is named as a proxy".to_owned()),
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

/// What answered is no pod that was watched, by the name that it gives, or by an address that a pod had given up.
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
