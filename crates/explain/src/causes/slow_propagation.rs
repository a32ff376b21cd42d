//! Routes that change long after the pods did.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "slow-propagation",
    family: Family::Dataplane,
    title: "the cluster took seconds to take ended pods out of its routes",
    mechanism: "A deletion passes through the API server, the controller that writes EndpointSlices, and \
                kube-proxy or its replacement on each node. Each of them batches and can fall behind: a busy \
                control plane, many Services, an old kube-proxy that rewrites all rules each time.",
    signature: "As endpoint-race, for seconds rather than milliseconds, and not alike on all nodes. In the \
                cluster: a pod leaves the endpoints a second or more after its deletion (the control plane), or \
                failures go on for seconds after it has left (the nodes).",
    rules: &[
        rule(30, 30, "pods left the endpoints late, or requests still went to them long after", slow),
        rule(12, 25, "requests met pods that no longer listened", answers::dead_ends),
        rule(12, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(8, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(0, 30, "no proxy with a list of its own wrote the answers", no_proxy),
    ],
    remedy: "A preStop sleep longer than the lag that was measured covers it. To shorten the lag: kube-proxy \
             1.28 or later, no `minSyncPeriod` above its default, a control plane with room.",
    fix,
    tell_apart: "kube-proxy's `kubeproxy_network_programming_duration_seconds`, and the same probe from several \
                 nodes",
    shown: &[
        Shown::NotYet("the lag of a hop is a knob of the lab, and shows as endpoint-race; a control plane that \
                    stalls is not in it"),
    ],
    sources: &[
        "https://kubernetes.io/docs/reference/networking/virtual-ips/",
        "https://github.com/kubernetes/community/blob/master/sig-scalability/slos/network_programming_latency.md",
    ],
};

/// The control plane was slow, or what follows it.
fn slow(case: &Case<'_>) -> Outcome {
    endpoints::control_plane_was_slow(case).or(|| endpoints::routes_lagged(case))
}

/// A proxy that goes by an old list is another cause.
fn no_proxy(case: &Case<'_>) -> Outcome {
    answers::by_a_proxy(case).only_against()
}

/// The preStop sleep that would have covered the case.
fn fix(case: &Case<'_>) -> Option<Fix> {
    super::endpoint_race::fix(case)
}
