//! A rolling update that may neither add nor remove a pod.

use serde_json::json;

use super::prelude::*;
use crate::quantity::Pods;

pub(super) const RULE: Rule = Rule {
    name: "rollout-cannot-move",
    cause: "max-unavailable",
    clears: false,
    severity: Severity::Error,
    field: "spec.strategy.rollingUpdate",
    says: "maxSurge and maxUnavailable are both 0",
    why: "No pod may be added and none removed. The API server refuses the object.",
    fix: "Set `maxSurge: 1`.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in &manifests.workloads {
        let (rolling, key) = match (workload.kind(), workload.strategy()) {
            (Kind::Deployment, Strategy::Rolling(rolling)) => (rolling, "strategy"),
            (Kind::DaemonSet, Strategy::PerNode(rolling)) => (rolling, "updateStrategy"),
            _ => continue,
        };
        outcome.checked(workload.object);
        let none = |pods| matches!(pods, Pods::Number(0) | Pods::Percent(0));
        if none(rolling.surge) && none(rolling.unavailable) {
            let message = "maxSurge and maxUnavailable are both 0: the API server refuses that";
            let patch = json!({"spec": {key: {"rollingUpdate": {"maxSurge": 1}}}});
            outcome.find(&rolling.field.get("maxUnavailable"), message).mend(patch);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn no_pod_may_come_or_go() {
        let text = shop("strategy:\n  rollingUpdate:\n    maxSurge: 0\n    maxUnavailable: 0%", "", "");
        let expected = "error spec.strategy.rollingUpdate.maxUnavailable @ maxUnavailable: 0%";
        assert_eq!(found("rollout-cannot-move", &text), [expected]);
        assert!(holds("rollout-cannot-move", &text.replace("maxSurge: 0", "maxSurge: 1")));
    }
}
