//! The endpoint race: pods stop listening before requests stop going to them.

use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::case::Case;
use crate::evidence::{answers, config, endpoints, lanes, pods};
use crate::hop;
use crate::phrase::some;
use lapse_measure::time::Human;
use lapse_record::event::detail::{Container, PreStop, Workload};
use std::time::Duration;

pub(super) const CAUSE: Cause = Cause {
    name: "endpoint-race",
    family: Family::Termination,
    title: "pods stopped listening before requests stopped going to them",
    mechanism: "The deletion of a pod starts two things at once: the kubelet sends SIGTERM, and the control plane \
                takes the pod out of the endpoints, of which kube-proxy, ingress controllers and load balancers hear \
                one after another. The process closes its port within milliseconds. Until the last of those has \
                heard, they go on sending new connections to it.",
    signature: "New connections are refused at once, or get no answer once the pod's network is gone, about one in as \
                many as pods were listed, in one burst per old pod; an ingress controller answers 502 or hides it by \
                asking another pod. Kept connections lose a request each at most. In the cluster: the burst begins \
                with the end of a pod and ends some time after the pod has left the endpoints; there are other pods \
                all the time.",
    rules: &[
        rule(25, 40, "failures began while a pod was ending", pods::began_with_an_end),
        rule(20, 30, "requests met pods that no longer listened", answers::dead_ends),
        rule(15, 30, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 15, "new connections lost a larger share than kept ones", lanes::mostly_new),
        rule(10, 15, "only a part of the requests failed", lanes::a_part_lost),
        rule(10, 20, "no preStop hook, or a shorter one than requests kept coming", pods::no_pre_stop),
        rule(10, 15, "connections were refused at once, or met no host any more", answers::refused_or_vanished),
        rule(0, 20, "the host of the pod was still there to refuse connections", host_was_there),
        rule(0, 20, "the pod was killed at the end of its grace period", pods::ended_by_itself),
        rule(0, 30, "a preStop hook failed", pods::pre_stop_held),
        rule(0, 30, "the wanted number of pods fell", config::replicas_stayed),
    ],
    remedy: "A preStop sleep that is longer than the slowest hop takes to hear of a deletion. It hides the race and \
             does not remove it: each pod ends that much later. Connections that are kept open need a drain in the \
             application besides (see kept-connections-cut).",
    fix,
    tell_apart: "probe the hops side by side (`--target ingress=URL --target service=URL`): the hop that loses \
                 requests is the one that hears late",
    shown: &[
        Shown::Lab("exit-at-once"),
        Shown::Lab("drain-only"),
        Shown::Lab("more-replicas"),
        Shown::Cluster("the_upgrade_as_it_stands_loses_requests_when_containers_exit"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
        "https://github.com/kubernetes/kubernetes/issues/20473",
    ],
};

/// Where packets got no answer at all, and next to none a refusal, the pod's network was gone: another cause.
fn host_was_there(case: &Case<'_>) -> Outcome {
    match (answers::blackholed(case), answers::nothing_refused(case)) {
        (Outcome::Seen(text), Outcome::Absent) => Outcome::Contrary(text),
        _ => Outcome::Absent,
    }
}

/// The preStop sleep that would have covered the rollout.
pub(super) fn fix(case: &Case<'_>) -> Option<Fix> {
    let lag = hop::lag(case)?;
    let seconds = hop::sleep_for(lag);
    let settings = case.world.settings(case.span.from);
    if let Some(hook) = settings.map(Workload::pre_stop).filter(|hook| hook.as_secs() >= seconds) {
        return Some(Fix {
            says: format!(
                "the template that was rolled out waits {} before SIGTERM, which covers the {} that requests still \
                 came to old pods: its own pods need no more",
                Human(hook),
                Human(lag)
            ),
            sleep_seconds: Some(seconds),
            ..Fix::default()
        });
    }
    let container = settings.and_then(serving);
    let name = container.map_or("app # the container that serves", |container| container.name.as_str());
    // The API server refuses a hook with two handlers, and a merge keeps those that it does not name.
    let replaced = match container.map(|container| container.pre_stop) {
        Some(PreStop::Command(_)) => "            exec: null\n",
        Some(PreStop::Other) => "            exec: null\n            httpGet: null\n",
        _ => "",
    };
    let yaml = format!(
        "spec:\n  template:\n    spec:\n{}      containers:\n      - name: {name}\n        lifecycle:\n          \
         preStop:\n{replaced}            sleep:\n              seconds: {seconds} # {} were seen, times {}\n",
        grace_line(settings, seconds),
        Human(lag),
        hop::MARGIN
    );
    let rolled = case.world.pods.iter().filter(|pod| pod.deleting.is_some()).count() as u64;
    Some(Fix {
        says: format!(
            "let each pod wait {seconds} s before SIGTERM: requests still went to it {} after its deletion, and the \
             grace period includes the sleep",
            Human(lag)
        ),
        yaml,
        sleep_seconds: Some(seconds),
        costs: format!(
            "{seconds} s a pod at its end: {} for {} that end one after another, less for those that end together",
            Human(Duration::from_secs(rolled.saturating_mul(seconds))),
            some(rolled, "pod")
        ),
    })
}

/// The first container that is no known sidecar.
pub(super) fn serving(settings: &Workload) -> Option<&Container> {
    settings.containers.iter().find(|container| !pods::is_sidecar(&container.name)).or(settings.containers.first())
}

/// The line that raises the grace period where a sleep of this length needs it; it is never lowered.
pub(super) fn grace_line(settings: Option<&Workload>, seconds: u64) -> String {
    let needed = seconds.saturating_add(30);
    match settings.map(|settings| settings.grace.as_secs()) {
        Some(grace) if grace >= needed => String::new(),
        Some(_) => {
            format!("      terminationGracePeriodSeconds: {needed} # the sleep and 30 s for requests under way\n")
        }
        None => format!("      terminationGracePeriodSeconds: {needed} # unless yours is longer\n"),
    }
}
