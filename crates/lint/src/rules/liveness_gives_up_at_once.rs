//! A liveness probe that restarts a container after one failure.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "liveness-gives-up-at-once",
    cause: "liveness-kills",
    clears: false,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].livenessProbe.failureThreshold",
    says: "one failed liveness probe restarts the container",
    why: "One late answer is enough to end the process, with all that it is answering.",
    fix: "Set `failureThreshold` to 3.",
    scenario: Some("liveness-kills-slow-starters.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        for container in served.answering() {
            let Some(probe) = container.liveness() else { continue };
            outcome.checked(served.workload.object);
            if probe.failure_threshold() == 1 {
                let message = format!("one failed liveness probe restarts container `{}`", container.name);
                let patch = json!({"livenessProbe": {"failureThreshold": 3}});
                let patch = served.workload.patch_container(container, patch);
                let field = probe.field.get("failureThreshold");
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
        let text = shop("", "", "livenessProbe:\n  httpGet: {path: /, port: http}\n  failureThreshold: 1");
        let expected = "warning spec.template.spec.containers[0].livenessProbe.failureThreshold @ failureThreshold: 1";
        assert_eq!(found("liveness-gives-up-at-once", &text), [expected]);
        assert!(holds("liveness-gives-up-at-once", &text.replace("failureThreshold: 1", "")));
    }
}
