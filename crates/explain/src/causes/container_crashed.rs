//! A container that ended in a pod that was to stay.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, config, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "container-crashed",
    family: Family::Artefact,
    title: "a container crashed and was started again in its place; no rollout did that",
    mechanism: "A process ends by itself (a panic, out of memory, a failed liveness probe) and the kubelet \
                starts it again in the same pod. The pod keeps its address; until the process listens again \
                connections are refused, and until the kubelet has noticed they are still sent there.",
    signature: "Refused and cut connections for as long as the container is down. In the cluster: a container \
                exits, or its restart count grows, and its pod is not being deleted; nothing is being rolled \
                out.",
    rules: &[
        rule(45, 50, "a container ended in a pod that was not being deleted", pods::crashed_in_place),
        rule(25, 25, "nothing was being rolled out", config::nothing_was_rolled),
        rule(15, 20, "requests met pods that no longer listened", answers::dead_ends),
        rule(5, 0, "containers were restarted", pods::restarted),
    ],
    remedy: "Find out why it ended: the exit code and reason (OOMKilled: the memory limit), the log of the \
             container before (`kubectl logs --previous`).",
    fix: no_fix,
    tell_apart: "`kubectl describe pod` shows the last state with its exit code",
    shown: &[
        Shown::Cluster("a_container_that_crashes_in_place_is_no_rollout"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states",
    ],
};
