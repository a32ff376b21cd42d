//! A rollout that may leave no pod.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "max-unavailable",
    family: Family::NoEndpoints,
    title: "the rollout was allowed to end old pods before new ones were ready, down to none",
    mechanism: "`maxUnavailable` is the number of wanted pods that may be missing. As many as there are \
                replicas, which with one replica is 1, leaves none. Percentages round down for it and up for \
                `maxSurge`; if both come to none, one may be missing.",
    signature: "Every request fails from the end of the old pods to the readiness of the first new one. In the \
                cluster: an old pod is deleted before a new one is ready, and the endpoints are empty.",
    rules: &[
        rule(35, 40, "all wanted pods may be missing", pods::may_miss_all),
        rule(20, 30, "an old pod was deleted before a new one was ready", pods::deleted_before_a_new_one_was_ready),
        rule(20, 40, "no pod was in the endpoints", endpoints::empty),
        rule(15, 20, "no request succeeded", lanes::all_lost),
        rule(10, 5, "failures ended when a pod was in the endpoints again", endpoints::ended_with_the_list),
        rule(0, 20, "nothing kept the new pods from starting", started_undisturbed),
    ],
    remedy: "At least two replicas, `maxUnavailable: 0`, `maxSurge: 1` or more. A quota, a host port or a \
             required anti-affinity may leave no room for the surge.",
    fix,
    tell_apart: "`kubectl get deployment -o jsonpath={.spec.strategy}`, and the replicas",
    shown: &[
        Shown::Lab("max-unavailable-one"),
        Shown::Cluster("one_replica_with_max_unavailable_one_is_down"),
    ],
    sources: &[
        "https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/util/deployment_util.go",
    ],
};

/// Where a liveness probe kills new pods, that is why none is there for so long.
fn started_undisturbed(case: &Case<'_>) -> Outcome {
    pods::liveness_probe_failed(case).only_against()
}

fn fix(case: &Case<'_>) -> Option<Fix> {
    case.world.settings(case.span.from)?;
    Some(Fix {
        says: "keep every wanted pod until a new one is ready in its place".to_owned(),
        yaml: "spec:\n  strategy:\n    rollingUpdate:\n      maxUnavailable: 0\n      maxSurge: 1\n".to_owned(),
        sleep_seconds: None,
        costs: "room for one pod more during a rollout".to_owned(),
    })
}
