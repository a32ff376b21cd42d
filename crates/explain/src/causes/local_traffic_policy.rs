//! Nodes that drop requests because none of their pods is left.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "local-traffic-policy",
    family: Family::Path,
    title: "the load balancer went on sending to nodes that had no pod left, which dropped the packets",
    mechanism: "With `externalTrafficPolicy: Local` a node hands requests to its own pods only. When the last of \
                them leaves, the node drops what arrives until the load balancer's health check has failed often \
                enough.",
    signature: "Connect timeouts from outside on a share of connections, as many as nodes without a pod, for \
                about the health check's interval times its threshold; within the cluster everything is clean.",
    rules: &[
        rule(40, 0, "the service is `externalTrafficPolicy: Local`, and a node lost its last pod", policy_and_nodes),
        rule(12, 30, "SYNs got no answer", answers::connect_timeouts),
        rule(10, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(6, 10, "only a part of the requests failed", lanes::a_part_lost),
        rule(8, 20, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "A preStop sleep longer than interval times threshold, with Kubernetes 1.26 or later (nodes then go \
             on serving from pods that are ending); two pods a node (`topologySpreadConstraints`); or \
             `externalTrafficPolicy: Cluster`, which costs a hop and the client's address.",
    fix: no_fix,
    tell_apart: "probe a NodePort of each node (`--target node1=URL --target node2=URL`): only nodes without a \
                 pod time out",
    shown: &[
        Shown::NotYet("the lab has no nodes, and the cluster of the tests has one"),
    ],
    sources: &[
        "https://kubernetes.io/docs/reference/networking/virtual-ips/",
        "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1669-proxy-terminating-endpoints",
    ],
};

/// Neither traffic policies nor nodes are part of a record.
fn policy_and_nodes(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the traffic policy and the nodes of the pods are not recorded: `kubectl get service -o \
        jsonpath={.spec.externalTrafficPolicy}` and `kubectl get pods -o wide` show them")
}
