//! A proxy that goes by an old list of pods.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, before, endpoints};

pub(super) const CAUSE: Cause = Cause {
    name: "stale-upstreams",
    family: Family::Path,
    title: "a proxy or ingress controller went by an old list of pods",
    mechanism: "An ingress controller writes its own list of pods and refreshes it at intervals (ingress-nginx: \
                at most three times in ten seconds, and workers look once a second). It sends to pods that are \
                gone, or answers 503 because the list it holds is empty, after the endpoints are right again.",
    signature: "503 (an empty list), 502 (a pod that refuses) or 504 from the proxy, for up to some seconds \
                beyond what the endpoints show; the Service itself is clean at the same time.",
    rules: &[
        rule(25, 30, "502, 503 or 504 was answered", answers::gateway),
        rule(20, 20, "a proxy within the cluster wrote the answers", by_an_ingress),
        rule(30, 35, "failures outlasted an empty list, or came without one", endpoints::outlasted_the_list),
        rule(15, 30, "nearer hops lost nothing", before::inner_hops_were_clean),
        rule(5, 0, "failures ended as a hop took a new list over", endpoints::ended_with_a_hop),
    ],
    remedy: "A preStop sleep of 5 to 10 s covers old entries; an empty list is covered by never having one (two \
             replicas, `maxUnavailable: 0`, no early switch). A higher `--sync-rate-limit` shortens both.",
    fix,
    tell_apart: "probe the Service beside the ingress (`--target service=URL`)",
    shown: &[
        Shown::Lab("ingress-holds-a-stale-list"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/blob/main/docs/user-guide/cli-arguments.md",
    ],
};

/// A proxy wrote the answers that is no load balancer outside the cluster.
fn by_an_ingress(case: &Case<'_>) -> Outcome {
    match answers::by_a_load_balancer(case) {
        Outcome::Seen(text) => Outcome::Contrary(text),
        _ => answers::by_a_proxy(case),
    }
}

/// A sleep covers pods that are gone and still listed; an empty list it does not fill.
fn fix(case: &Case<'_>) -> Option<Fix> {
    if matches!(answers::unavailable(case), Outcome::Seen(_)) {
        return None;
    }
    super::endpoint_race::fix(case)
}
