//! How failures lie to changes of objects other than pods: selectors, services, releases, proxies.

use std::time::Duration;

use super::NO_CLUSTER;
use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{at, from, some};
use lapse_measure::span::Span;
use lapse_record::event::detail::Notice;
use lapse_record::event::{EventKind, ObjectKind};

/// A change this long before the first failure can still be its cause.
const BEFORE: Duration = Duration::from_secs(2);

/// The time around the first failure in which its cause changed.
fn around_the_first(case: &Case<'_>) -> Span {
    Span::new(case.span.from.back(BEFORE), case.span.from + Duration::from_millis(500))
}

/// An event of one of these kinds came just before the first failure.
fn changed(case: &Case<'_>, kinds: &[EventKind], what: &str) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let found = case
        .world
        .events_of(around_the_first(case), kinds)
        .min_by_key(|event| event.at.since(case.span.from).max(case.span.from.since(event.at)));
    match found {
        Some(event) => {
            let object = event.object.as_ref().map(|object| format!(" ({object})")).unwrap_or_default();
            Outcome::Seen(format!(
                "{what}{object} at {}: failures began {} that was seen",
                at(event.at),
                from(case.span.from, event.at)
            ))
        }
        None => Outcome::Contrary(format!("{what}: not seen near {}", at(case.span.from))),
    }
}

/// A service selects other pods.
pub(crate) fn selector_switched(case: &Case<'_>) -> Outcome {
    changed(case, &[EventKind::SelectorSwitched], "the service's selector changed")
}

/// A service sends to another port.
pub(crate) fn ports_changed(case: &Case<'_>) -> Outcome {
    changed(case, &[EventKind::PortsChanged], "the service's ports changed")
}

/// A service or an ingress was deleted or created.
pub(crate) fn route_recreated(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let span = around_the_first(case);
    let mut found = case.world.events_of(span, &[EventKind::Deleted, EventKind::Created]).filter(|event| {
        event.object.as_ref().is_some_and(|object| matches!(object.kind, ObjectKind::Service | ObjectKind::Ingress))
    });
    match found.next() {
        Some(event) => {
            let object = event.object.as_ref().map(ToString::to_string).unwrap_or_default();
            Outcome::Seen(format!(
                "{object} was {} at {}: failures began {} that was seen",
                event.kind,
                at(event.at),
                from(case.span.from, event.at)
            ))
        }
        None => Outcome::Contrary("no service and no ingress was deleted or created".to_owned()),
    }
}

/// An ingress was pointed at other services.
pub(crate) fn ingress_changed(case: &Case<'_>) -> Outcome {
    changed(case, &[EventKind::IngressChanged], "an ingress changed")
}

/// An ingress controller was being rolled out, or a pod of one was ending.
pub(crate) fn controller_rolled(case: &Case<'_>) -> Outcome {
    const CONTROLLERS: [&str; 9] = [
        "ingress-nginx",
        "nginx-ingress",
        "ingress-controller",
        "ingressgateway",
        "haproxy-ingress",
        "traefik",
        "contour",
        "envoy-gateway",
        "kong",
    ];
    let rolled = case.world.events_of(case.around(), &[EventKind::PodDeleting, EventKind::RolloutStarted]);
    let of_a_controller = rolled.filter_map(|event| Some((event.at, event.object.as_ref()?)));
    let mut met = of_a_controller.filter(|(_, object)| CONTROLLERS.iter().any(|known| object.name.contains(known)));
    match met.next() {
        Some((when, object)) => Outcome::Seen(format!("{object} was being replaced at {}", at(when))),
        None => Outcome::Unknown(
            "the ingress controller was not followed: `kubectl get pods -A` shows whether its pods are new as well",
        ),
    }
}

/// A revision of a release was pending shortly before the first failure.
pub(crate) fn release_began(case: &Case<'_>) -> Outcome {
    let before = Span::new(case.span.from.back(Duration::from_secs(60)), case.span.from);
    match case.world.events_of(before, &[EventKind::ReleasePending]).last() {
        Some(event) => Outcome::Seen(format!("failures began {} a release did", from(case.span.from, event.at))),
        None => Outcome::Absent,
    }
}

/// A proxy replaced its workers.
pub(crate) fn proxy_reloaded(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    changed(case, &[EventKind::HopReloaded, EventKind::IngressChanged], "a proxy replaced its workers")
}

/// The number of wanted pods fell while the pod template stayed the same.
pub(crate) fn replicas_fell(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let fell = case.world.setting_changes().find(|(at, before, after)| {
        after.replicas < before.replicas && *at <= case.span.to && *at + Duration::from_secs(60) >= case.span.from
    });
    let Some((when, before, after)) = fell else {
        return Outcome::Contrary("the number of wanted pods did not fall".to_owned());
    };
    let fell = format!("the wanted pods went from {} to {} at {}", before.replicas, after.replicas, at(when));
    // A default that a chart writes back is never none; a blue-green switch asks for none of the old version.
    if after.replicas == 0 {
        Outcome::Contrary(format!("{fell}: that is asked for, not a default"))
    } else {
        Outcome::Seen(fell)
    }
}

/// An autoscaler asked for more pods after that.
pub(crate) fn autoscaler_followed(case: &Case<'_>) -> Outcome {
    let after = Span::new(case.span.from.back(BEFORE), case.span.to + Duration::from_secs(60));
    match case.world.events_of(after, &[EventKind::HpaScaled]).next() {
        Some(event) => Outcome::Seen(format!("an autoscaler changed the wanted number at {}", at(event.at))),
        None => Outcome::Absent,
    }
}

/// A release failed and another rollout began: a rollback.
pub(crate) fn rolled_back(case: &Case<'_>) -> Outcome {
    let before = Span::new(lapse_measure::time::Offset::ZERO, case.span.to);
    let failed = case.world.events_of(before, &[EventKind::ReleaseFailed, EventKind::RolloutFailed]).next();
    let starts = case.world.events_of(before, &[EventKind::RolloutStarted]).count();
    let templates: Vec<_> =
        case.world.setting_changes().map(|(_, before, after)| (before.template, after.template)).collect();
    let back = templates.windows(2).any(|pair| pair[0].0 == pair[1].1 && pair[0].0 != pair[0].1);
    match (failed, starts) {
        (Some(event), _) if back => {
            Outcome::Seen(format!("a release failed at {} and the old template came back", at(event.at)))
        }
        (_, 2..) if back => {
            Outcome::Seen(format!("{} began, and the second restored the old template", some(starts as u64, "rollout")))
        }
        _ => Outcome::Contrary("the old template did not come back".to_owned()),
    }
}

/// A node was drained or lost: pods were evicted or preempted.
pub(crate) fn evicted(case: &Case<'_>) -> Outcome {
    const REASONS: [&str; 5] = ["Evicted", "TaintManagerEviction", "Preempted", "NodeShutdown", "DeletingNode"];
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    match case.world.notices(case.around(), &REASONS).next() {
        Some((event, Notice { reason, .. })) => {
            Outcome::Seen(format!("at {} the cluster reported {reason}", at(event.at)))
        }
        None => Outcome::Absent,
    }
}

/// Nothing was rolled out or deleted near the case.
pub(crate) fn nothing_was_rolled(case: &Case<'_>) -> Outcome {
    if !case.world.watched {
        return Outcome::Unknown(NO_CLUSTER);
    }
    let span = Span::new(case.span.from.back(Duration::from_secs(5)), case.span.to);
    let rolls =
        case.world.events.iter().find(|event| event.kind.rolls() && span.from <= event.at && event.at <= span.to);
    match rolls {
        Some(event) => Outcome::Contrary(format!("something was being rolled out: {} at {}", event.kind, at(event.at))),
        None if case.world.rolled() => {
            Outcome::Seen(format!("nothing was being rolled out when it began at {}", at(case.span.from)))
        }
        None => Outcome::Seen("nothing was rolled out in the run".to_owned()),
    }
}

/// As many pods were wanted as before: only the contrary says anything.
pub(crate) fn replicas_stayed(case: &Case<'_>) -> Outcome {
    replicas_fell(case).only_against()
}
