//! The strategy Recreate.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "recreate",
    family: Family::NoEndpoints,
    title: "all old pods ended before the first new one was created (strategy Recreate)",
    mechanism: "With `strategy.type: Recreate` the Deployment deletes all pods, waits until they are gone, and \
                only then creates new ones. A volume that only one node can mount forces many into it. \
                A StatefulSet of one replica does the same by nature.",
    signature: "Every request fails from the end of the last old pod to the readiness of the first new one: \
                refused by a Service without endpoints, 503 from an ingress. In the cluster: the endpoints are \
                empty all that time.",
    rules: &[
        rule(40, 45, "the strategy is Recreate", pods::recreates),
        rule(20, 20, "the first new pod was created after the last old one had ended", pods::created_after_all_had_ended),
        rule(20, 40, "no pod was in the endpoints", endpoints::empty),
        rule(10, 20, "no request succeeded", lanes::all_lost),
        rule(10, 5, "failures ended when a pod was in the endpoints again", endpoints::ended_with_the_list),
    ],
    remedy: "RollingUpdate, with state outside the pod or on a volume that several pods can mount \
             (ReadWriteMany). Where that cannot be, the outage is part of the plan: schedule it.",
    fix,
    tell_apart: "`kubectl get deployment -o jsonpath={.spec.strategy}`",
    shown: &[
        Shown::Lab("recreate"),
        Shown::Cluster("recreate_is_down_while_there_are_no_endpoints"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#recreate-deployment",
    ],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let _ = case.world.settings(case.span.from)?;
    Some(Fix {
        says: "replace pods one at a time, each old one only once a new one is ready".to_owned(),
        yaml: "spec:\n  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      maxUnavailable: 0\n      maxSurge: 1\n"
            .to_owned(),
        sleep_seconds: None,
        costs: "room for one pod more during a rollout, and a volume that two pods can mount at once".to_owned(),
    })
}
