//! A service or an ingress that was deleted and made anew.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, config, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "service-recreated",
    family: Family::NoEndpoints,
    title: "a service or an ingress was deleted and created again",
    mechanism: "A changed name, type or cluster IP, `--force`, or a hook that deletes makes an object anew. \
                Until the new one is known to all hops nothing is routed; a new load balancer takes minutes and \
                a new name.",
    signature: "Every request fails from the deletion on: refused or timeouts at a Service, 404 or 503 at an \
                ingress, DNS failures at a new load balancer.",
    rules: &[
        rule(55, 45, "a service or an ingress was deleted or created", config::route_recreated),
        rule(20, 15, "no request succeeded", lanes::all_lost),
        rule(10, 0, "a proxy wrote the answers", answers::by_a_proxy),
        rule(10, 0, "names did not resolve, or certificates and routes were wrong", routes_were_wrong),
    ],
    remedy: "Change a Service or an Ingress in place; where that cannot be, create the new one, move the \
             traffic, then delete the old one.",
    fix: no_fix,
    tell_apart: "`kubectl get service -o jsonpath={.metadata.uid}` before and after",
    shown: &[
        Shown::Cluster("a_service_that_is_made_anew_loses_everything"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/",
    ],
};

/// Names did not resolve, or a wrong certificate or a default backend answered.
fn routes_were_wrong(case: &Case<'_>) -> Outcome {
    answers::unresolved(case).or(|| answers::wrong_route(case).if_seen())
}
