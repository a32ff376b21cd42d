//! New pods that the network policy does not know yet.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "network-policy-lag",
    family: Family::StartUp,
    title: "new pods were ready before the network let requests through to them",
    mechanism: "A network plugin enforces policies on every node by itself, and has to hear of a new pod first. \
                The kubelet probes the pod from its own node, which policies usually allow, so the pod counts as \
                ready while packets from other nodes are still dropped.",
    signature: "Connect timeouts, not refusals, on about one in as many as pods are listed, from the moment a \
                new pod joins the endpoints, for a moment to some seconds. No pod is ending at that time.",
    rules: &[
        rule(20, 40, "SYNs got no answer", answers::connect_timeouts),
        rule(25, 30, "failures began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(0, 30, "no pod was ending", pods::none_was_ending),
        rule(5, 15, "only a part of the requests failed", lanes::a_part_lost),
        rule(10, 20, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "`minReadySeconds` of some seconds, so that old pods stay until the network has caught up; a \
             readiness gate of the network plugin where it has one.",
    fix: no_fix,
    tell_apart: "connect to a new pod from another node in its first seconds; from its own node that works at \
                 once",
    shown: &[
        Shown::NotYet("the lab has no network policies: its pods can be reached as soon as they listen"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
        "https://github.com/weaveworks/weave/issues/3829",
    ],
};
