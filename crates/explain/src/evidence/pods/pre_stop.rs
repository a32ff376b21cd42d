//! The preStop hooks of old pods, by the settings and by how long the pods took to end.

use std::time::Duration;

use super::NO_SETTINGS;
use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::at;
use lapse_measure::time::Human;
use lapse_record::event::detail::PreStop;

/// For how long old pods wait before SIGTERM: their preStop hook, within their grace period. `None` if that is not known.
pub(super) fn settings_pre_stop(case: &Case<'_>) -> Option<Duration> {
    case.world.old_settings(case.span.from).map(|settings| settings.pre_stop().min(settings.grace))
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
    if settings.containers.iter().any(|container| container.pre_stop == PreStop::Other) {
        return Outcome::Unknown("the preStop hook is a command or a request whose length is not known");
    }
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

/// No preStop hook was reported to have failed: only the contrary says anything.
pub(crate) fn pre_stop_held(case: &Case<'_>) -> Outcome {
    pre_stop_failed(case).only_against()
}
