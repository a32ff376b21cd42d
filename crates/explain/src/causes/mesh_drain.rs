//! Clocks of a mesh that do not agree.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "mesh-drain",
    family: Family::Path,
    title: "the mesh proxies drained for less time than the pods needed, and did not repeat what was lost",
    mechanism: "Envoy keeps connections to each pod and learns of its end from a control plane. The time for \
                which listeners drain, the time for which the sidecar drains, the preStop hook and the grace \
                period are set in different places. If the pod closes a connection first, the request on it is \
                answered with 503, unless a retry policy covers that.",
    signature: "503 with the header `server: envoy` and the text \"connection termination\", in a burst per old \
                pod, while other pods are there.",
    rules: &[
        rule(40, 25, "Envoy lost a connection that the pod closed", answers::envoy_was_hung_up_on),
        rule(12, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(8, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(8, 20, "503 was answered", answers::unavailable),
        rule(5, 0, "the pods have a sidecar", pods::have_a_sidecar),
    ],
    remedy: "A preStop sleep in the application's container, a sidecar that drains for longer than that, a grace \
             period above both; and retries on the route (`retryOn: \
             connect-failure,refused-stream,unavailable,reset`) for requests that may be repeated.",
    fix: no_fix,
    tell_apart: "Envoy's access log: the flag UC is this cause, UF is a pod that no longer listens, UH is an \
                 empty list",
    shown: &[
        Shown::NotYet("the proxies of the lab do not speak Envoy's texts"),
    ],
    sources: &[
        "https://github.com/istio/istio/issues/34855",
        "https://github.com/istio/istio/issues/7665",
        "https://gateway.envoyproxy.io/latest/tasks/operations/graceful-shutdown/",
    ],
};
