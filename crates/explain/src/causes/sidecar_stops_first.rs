//! A sidecar that ends before the application it serves.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "sidecar-stops-first",
    family: Family::Termination,
    title: "a sidecar proxy ended before the application whose requests pass it",
    mechanism: "Containers of a pod get SIGTERM at the same time, in no order. A mesh proxy that ends first \
                takes the way in and out of the pod along, while the application still serves. Istio drains for \
                5 s (`terminationDrainDuration`) whatever the application does.",
    signature: "A burst per old pod: 503 with an Envoy text, or refused connections, while the application is \
                still running. In the cluster: the sidecar's container ends before the application's.",
    rules: &[
        rule(55, 10, "a sidecar ended before the application", pods::sidecar_ended_first),
        rule(15, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(10, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 0, "a proxy wrote the answers", answers::by_a_proxy),
    ],
    remedy: "Run it as a native sidecar: an init container with `restartPolicy: Always` (Kubernetes 1.29 or \
             later), which ends after all others. Istio before that: `terminationDrainDuration` of the preStop \
             length or more, or `EXIT_ON_ZERO_ACTIVE_CONNECTIONS`.",
    fix: no_fix,
    tell_apart: "the times at which the containers of a pod ended (`kubectl get pod -o yaml`)",
    shown: &[
        Shown::NotYet("needs a pod with two containers, one of which forwards to the other: the lab has one process \
                    a pod"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
    ],
};
