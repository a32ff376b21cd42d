//! Pods that were evicted from their node.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{config, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "node-drain",
    family: Family::Application,
    title: "pods were evicted from a node, which is no rollout",
    mechanism: "A drain, an autoscaler that removes a node, a spot instance that is taken back or pressure on a \
                node evicts pods. PodDisruptionBudgets limit evictions, and only those.",
    signature: "As endpoint-race, for several pods of one node at once. In the cluster: Evicted, \
                TaintManagerEviction or Preempted Events, a node that is not schedulable.",
    rules: &[
        rule(50, 0, "the cluster reported an eviction", config::evicted),
        rule(15, 15, "failures began while a pod was ending", pods::began_with_an_end),
        rule(10, 0, "nothing was being rolled out", config::nothing_was_rolled),
    ],
    remedy: "A PodDisruptionBudget, replicas on several nodes, drains outside rollouts; and the cure of \
             endpoint-race, because an evicted pod ends like any other.",
    fix: no_fix,
    tell_apart: "`kubectl get nodes`, and the Events of nodes",
    shown: &[
        Shown::NotYet("the real cluster of the tests has one node, from which nothing can be drained without \
                    emptying it"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
    ],
};
