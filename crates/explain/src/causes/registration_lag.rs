//! A load balancer that does not send to new pods yet.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, before, endpoints, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "registration-lag",
    family: Family::Path,
    title: "old pods ended before the load balancer had found the new ones healthy",
    mechanism: "A load balancer takes a new target in after its own health checks, up to minutes later. \
                Kubernetes knows nothing of that unless a readiness gate tells it, and ends old pods as soon as \
                new ones are ready.",
    signature: "Errors from the load balancer late in the rollout, growing to all requests, and ending minutes \
                after it; hops within the cluster lose nothing.",
    rules: &[
        rule(30, 35, "a load balancer wrote the answers", answers::by_a_load_balancer),
        rule(20, 20, "the share lost grew", lanes::grows),
        rule(15, 20, "nearer hops lost nothing", before::inner_hops_were_clean),
        rule(15, 25, "no request succeeded", lanes::all_lost),
        rule(10, 10, "pods remained in the endpoints", endpoints::remained),
    ],
    remedy: "Readiness gates (`elbv2.k8s.aws/pod-readiness-gate-inject: enabled` on the namespace, with IP \
             targets); elsewhere `minReadySeconds` above the time the health checks take.",
    fix: no_fix,
    tell_apart: "the states of the targets at the load balancer: initial instead of healthy",
    shown: &[
        Shown::NotYet("the lab's load balancer begins with its health checks passed; a scenario needs a knob for \
                    the first check"),
    ],
    sources: &[
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/",
    ],
};
