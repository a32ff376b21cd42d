//! A pod whose network is gone while requests still go to it.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, endpoints, lanes, pods, slowness};

pub(super) const CAUSE: Cause = Cause {
    name: "sandbox-gone",
    family: Family::Termination,
    title: "requests still went to pods whose network was gone, and got no answer at all",
    mechanism: "When a pod is gone its address answers nothing, not even a refusal: packets vanish, or the \
                kernel gives up asking for the address after 3 s. A client, or a proxy on its behalf, waits for \
                a limit before it tries something else.",
    signature: "Connect timeouts, or failures after 3.06 s (no answer to ARP), 5 s (ingress-nginx, 504) or 10 s \
                (AWS load balancers); where a proxy tries another pod, slow successes that all take as long as \
                its limit. They begin after a pod is gone.",
    rules: &[
        rule(30, 30, "packets were dropped, or all slow answers took as long", vanished),
        rule(20, 20, "failures or slow answers began while a pod was ending, or after", pods::began_with_an_end),
        rule(15, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 0, "probes failed at a known limit", answers::at_a_known_limit),
        rule(5, 15, "only a part of the requests failed", lanes::a_part_lost),
        rule(0, 30, "connections were refused: the host was there", answers::nothing_refused),
    ],
    remedy: "A preStop sleep that outlasts the slowest hop; shorter connect timeouts at the proxy \
             (`proxy-connect-timeout`) make each wait shorter.",
    fix,
    tell_apart: "the time to fail: at once is endpoint-race, a proxy's limit is this cause",
    shown: &[
        Shown::Lab("ingress-waits-for-the-dead"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/blob/main/docs/user-guide/nginx-configuration/configmap.md#proxy-connect-timeout",
    ],
};

/// Packets were dropped; where a proxy hid that, slow answers all took as long.
fn vanished(case: &Case<'_>) -> Outcome {
    if case.failed() == 0 { slowness::at_one_limit(case) } else { answers::blackholed(case) }
}

fn fix(case: &Case<'_>) -> Option<Fix> {
    super::endpoint_race::fix(case)
}
