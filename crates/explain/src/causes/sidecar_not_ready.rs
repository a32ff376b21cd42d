//! A sidecar that starts after the application.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "sidecar-not-ready",
    family: Family::StartUp,
    title: "the application of new pods was ready before the sidecar proxy that requests pass",
    mechanism: "Containers of a pod start together, and none waits for another. Until the mesh proxy has its \
                configuration, requests to the pod fail, and so do calls that the application makes while it \
                starts; some applications exit over that.",
    signature: "In the first seconds of each new pod: 503 from Envoy, or refused connections; sometimes restarts \
                of the application's container.",
    rules: &[
        rule(40, 0, "the application was ready before the sidecar", order_of_start),
        rule(12, 20, "Envoy wrote the answers", answers::by_envoy),
        rule(12, 20, "failures began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(10, 30, "the pods have a sidecar", pods::have_a_sidecar),
        rule(4, 0, "containers were restarted", pods::restarted),
    ],
    remedy: "Run the proxy as a native sidecar (an init container with `restartPolicy: Always`), which is up \
             before all others start; Istio before that: `holdApplicationUntilProxyStarts: true`.",
    fix: no_fix,
    tell_apart: "`kubectl get pod -o yaml`: `state.running.startedAt` and `ready` of the containers of a new pod",
    shown: &[
        Shown::NotYet("needs a pod with two containers, one of which forwards to the other: the lab has one process \
                    a pod"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        "https://istio.io/latest/docs/ops/common-problems/injection/",
    ],
};

/// Containers are not reported one by one while they start.
fn order_of_start(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the order in which the containers of a new pod became ready is not recorded: `kubectl get pod \
                      -o yaml` shows it")
}
