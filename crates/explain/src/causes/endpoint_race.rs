//! The endpoint race: pods stop listening before requests stop going to them.

use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::case::Case;
use crate::evidence::{answers, config, endpoints, lanes, pods};
use crate::hop;
use crate::phrase::some;
use lapse_measure::time::Human;

pub(super) const CAUSE: Cause = Cause {
    name: "endpoint-race",
    family: Family::Termination,
    title: "pods stopped listening before requests stopped going to them",
    mechanism: "The deletion of a pod starts two things at once: the kubelet sends SIGTERM, and the control plane takes the \
                pod out of the endpoints, of which kube-proxy, ingress controllers and load balancers hear one after \
                another. The process closes its port within milliseconds. Until the last of those has heard, they go on \
                sending new connections to it.",
    signature: "New connections are refused at once, about one in as many as pods were listed, in one burst per old pod; \
                an ingress controller answers 502 or hides it by asking another pod. Kept connections lose a request each \
                at most. In the cluster: the burst begins with the end of a pod and ends some time after the pod has left \
                the endpoints; there are other pods all the time.",
    rules: &[
        rule(25, 40, "failures began while a pod was ending", pods::began_with_an_end),
        rule(20, 30, "requests met pods that no longer listened", answers::dead_ends),
        rule(15, 30, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 15, "new connections lost a larger share than kept ones", lanes::mostly_new),
        rule(10, 15, "only a part of the requests failed", lanes::a_part_lost),
        rule(10, 20, "no preStop hook, or a shorter one than requests kept coming", pods::no_pre_stop),
        rule(10, 15, "connections were refused at once", answers::refused),
        rule(0, 20, "the host of the pod was still there to refuse connections", host_was_there),
        rule(0, 20, "the pod was killed at the end of its grace period", pods::ended_by_itself),
        rule(0, 30, "a preStop hook failed", pods::pre_stop_held),
        rule(0, 30, "the wanted number of pods fell", config::replicas_stayed),
    ],
    remedy: "A preStop sleep that is longer than the slowest hop takes to hear of a deletion. It hides the race and does not \
             remove it: each pod ends that much later. Connections that are kept open need a drain in the application \
             besides (see kept-connections-cut).",
    fix,
    tell_apart: "probe the hops side by side (`--target ingress=URL --target service=URL`): the hop that loses requests is \
                 the one that hears late",
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

/// The preStop sleep that would have covered the case.
pub(super) fn fix(case: &Case<'_>) -> Option<Fix> {
    let lag = hop::lag(case)?;
    let seconds = hop::sleep_for(lag);
    let settings = case.world.settings(case.span.from);
    let container = settings.and_then(|all| all.containers.first()).map_or("app # the container that serves", |first| first.name.as_str());
    let grace = settings.map_or(30, |all| all.grace.as_secs());
    let needed = seconds + 30;
    let (grace_line, kept) = if grace >= needed {
        (String::new(), format!("the grace period of {grace} s leaves {} s after it", grace - seconds))
    } else {
        let line = format!("      terminationGracePeriodSeconds: {needed} # the sleep and 30 s for requests under way\n");
        (line, "the grace period includes the sleep".to_owned())
    };
    let yaml = format!(
        "spec:\n  template:\n    spec:\n{grace_line}      containers:\n      - name: {container}\n        lifecycle:\n          \
         preStop:\n            sleep:\n              seconds: {seconds} # {} were seen, times {}\n",
        Human(lag),
        hop::MARGIN
    );
    let rolled = case.world.pods.iter().filter(|pod| pod.deleting.is_some()).count() as u64;
    Some(Fix {
        says: format!(
            "let each pod wait {seconds} s before SIGTERM: requests still went to it {} after its deletion, and {kept}",
            Human(lag)
        ),
        yaml,
        sleep_seconds: Some(seconds),
        costs: format!(
            "{seconds} s a pod at its end; {} of this rollout one after another: {} s at most",
            some(rolled, "pod"),
            rolled * seconds
        ),
    })
}
