//! A readiness probe that takes a pod off after one failure.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "readiness-gives-up-at-once",
    cause: "readiness-flap",
    clears: false,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].readinessProbe.failureThreshold",
    says: "one failed readiness probe takes the pod off its Service",
    why: "A rollout makes nodes busy. One late answer then takes a well pod away, and pods that share the reason go \
          together, down to none.",
    fix: "Set `failureThreshold` to 2 or 3.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        for container in served.answering() {
            let Some(probe) = container.readiness() else { continue };
            outcome.checked(served.workload.object);
            if probe.failure_threshold() == 1 {
                let message =
                    format!("one failed readiness probe takes container `{}` off {}", container.name, served.by());
                let field = probe.field.get("failureThreshold");
                let patch = json!({"readinessProbe": {"failureThreshold": 3}});
                let patch = served.workload.patch_container(container, patch);
                outcome.find_served(&served, served.severity(), &field, &message).mend(patch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn one_failure() {
        let text = shop("", "", "readinessProbe:\n  httpGet: {path: /, port: http}\n  failureThreshold: 1");
        let expected = "warning spec.template.spec.containers[0].readinessProbe.failureThreshold @ failureThreshold: 1";
        assert_eq!(found("readiness-gives-up-at-once", &text), [expected]);
        assert!(holds("readiness-gives-up-at-once", &text.replace("failureThreshold: 1", "")));
        assert!(holds("readiness-gives-up-at-once", &text.replace("failureThreshold: 1", "failureThreshold: 2")));
    }
}
