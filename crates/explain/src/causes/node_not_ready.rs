//! A node or a kubelet that stopped reporting.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{config, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "node-not-ready",
    family: Family::Artefact,
    title: "pods lost their readiness because their node or its kubelet stopped, not because of a rollout",
    mechanism: "A kubelet that is restarted reports its pods as not ready until their probes have passed again; \
                a node that is not heard of for 40 s has all its pods marked not ready. They leave the endpoints \
                although their processes serve.",
    signature: "The endpoints shrink, often to none, and grow again; the pods are neither deleted nor restarted, \
                and no probe is reported as failed.",
    rules: &[
        rule(35, 40, "pods lost readiness that were not being deleted", pods::lost_readiness),
        rule(25, 30, "nothing was being rolled out", config::nothing_was_rolled),
        rule(15, 0, "no pod was in the endpoints", endpoints::empty),
        rule(10, 0, "failures ended when a pod was in the endpoints again", endpoints::ended_with_the_list),
        rule(0, 40, "no probe was reported as failed", no_probe_failed),
    ],
    remedy: "Drain a node before its kubelet is restarted or upgraded, and have replicas on several nodes.",
    fix: no_fix,
    tell_apart: "`kubectl get events --field-selector involvedObject.kind=Node` shows NodeNotReady and the start \
                 of a kubelet",
    shown: &[
        Shown::Cluster("a_kubelet_that_is_restarted_rolled_nothing"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/architecture/nodes/#condition",
    ],
};

/// A probe that failed is another cause.
fn no_probe_failed(case: &Case<'_>) -> Outcome {
    pods::readiness_probe_failed(case).only_against()
}
