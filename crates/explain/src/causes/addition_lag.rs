//! New pods that hops had not heard of when old ones ended.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "addition-lag",
    family: Family::StartUp,
    title: "old pods ended before every hop had heard of the new ones",
    mechanism: "The Deployment deletes an old pod as soon as a new one is ready (`minReadySeconds: 0`). Hops \
                hear of the addition as late as of a removal; with one or two replicas a hop may for a moment \
                know only pods that are gone.",
    signature: "A short stretch, right after a new pod is ready, in which all or most requests fail. In the \
                cluster: an old pod is deleted within moments of the new one's readiness, and the endpoints are \
                never empty.",
    rules: &[
        rule(20, 30, "an old pod was deleted as soon as a new one was ready", pods::ends_as_soon_as_ready),
        rule(20, 25, "failures began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(20, 40, "no request succeeded", lanes::all_lost),
        rule(10, 30, "pods remained in the endpoints", endpoints::remained),
        rule(10, 10, "requests met pods that no longer listened", answers::dead_ends),
    ],
    remedy: "`minReadySeconds` of five to ten seconds, and a preStop sleep; readiness gates where a load \
             balancer is in the way.",
    fix,
    tell_apart: "probe the service beside the ingress: if the service loses nothing, the ingress had not heard \
                 of the new pod",
    shown: &[
        Shown::NotYet("a hop of the lab takes additions and removals over at once, as kube-proxy does: it never holds \
                       only what is gone"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/issues/7097",
    ],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let settings = case.world.settings(case.span.from)?;
    let replicas = settings.replicas;
    Some(Fix {
        says: "count a new pod only once every hop has had time to hear of it".to_owned(),
        yaml: "spec:\n  minReadySeconds: 10\n".to_owned(),
        sleep_seconds: None,
        costs: format!("10 s for each of {replicas} steps: {} s a rollout at most", replicas * 10),
    })
}
