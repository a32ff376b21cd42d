//! A rollout of the ingress controller itself.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, before, config, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "ingress-rollout",
    family: Family::Path,
    title: "the ingress controller was rolled out, not the application behind it",
    mechanism: "An ingress controller is a workload like any other, and its pods end like any other. If it is \
                part of the same release, or upgraded at the same time, all hosts that it serves lose requests, \
                whatever their own pods do.",
    signature: "Resets, refusals or timeouts on all hosts at once; the service behind the ingress is clean. In \
                the cluster: pods of the controller end.",
    rules: &[
        rule(45, 0, "an ingress controller was being rolled out", config::controller_rolled),
        rule(15, 30, "nearer hops lost nothing", before::inner_hops_were_clean),
        rule(10, 20, "requests met pods that no longer listened", answers::dead_ends),
        rule(5, 0, "new and kept connections lost requests", lanes::both_kinds),
    ],
    remedy: "Roll the controller out on its own, with a preStop hook that waits for the load balancer \
             (ingress-nginx: `/wait-shutdown`), a grace period above `worker-shutdown-timeout`, and \
             `minReadySeconds` above the time that the load balancer takes to register a target.",
    fix: no_fix,
    tell_apart: "probe a second host of the same ingress: it loses requests at the same moments",
    shown: &[
        Shown::NotYet("the hops of the lab live as long as the world; only their lists and workers change"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/blob/main/docs/user-guide/nginx-configuration/configmap.md#worker-shutdown-timeout",
        "https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2366",
    ],
};
