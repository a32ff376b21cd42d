//! A readiness probe with the shortest timeout on a container with little CPU.

use serde_json::json;

use super::prelude::*;
use crate::quantity::millicores;

/// The limit of CPU under which a probe is often late, in thousandths of a core.
const LITTLE: u64 = 500;

pub(super) const RULE: Rule = Rule {
    name: "readiness-timeout-tight",
    cause: "readiness-flap",
    clears: false,
    severity: Severity::Note,
    field: "spec.template.spec.containers[*].readinessProbe.timeoutSeconds",
    says: "a readiness probe must answer within 1 s, with little CPU to do it",
    why: "A container at its CPU limit is stopped for part of each 100 ms. While it starts or is busy a probe takes longer \
          than 1 s, and the pod is taken off.",
    fix: "Set `timeoutSeconds: 3`, or give it more CPU or no limit.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        for container in served.answering() {
            let Some(probe) = container.readiness() else { continue };
            outcome.checked(served.workload.object);
            let limit = container.field.dig("resources.limits.cpu").text();
            let little = limit.filter(|text| millicores(text).is_some_and(|cpu| cpu < LITTLE));
            if let (Some(cpu), 1) = (little, probe.timeout()) {
                let field = probe.field.get("timeoutSeconds");
                let default = if field.is_absent() { ", by default," } else { "" };
                let message = format!("a probe must answer within 1 s{default} on at most `{cpu}` of a CPU");
                let patch = json!({"readinessProbe": {"timeoutSeconds": 3}});
                let patch = served.workload.patch_container(container, patch);
                outcome.find_served(&served, Severity::Note, &field, &message).mend(patch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn one_second_on_little_cpu() {
        let text = shop("", "", "readinessProbe:\n  httpGet: {path: /, port: http}\nresources: {limits: {cpu: 250m}}");
        let expected = "note spec.template.spec.containers[0].readinessProbe.timeoutSeconds @ readinessProbe:";
        assert_eq!(found("readiness-timeout-tight", &text), [expected]);
        assert!(holds("readiness-timeout-tight", &text.replace("250m", "0.5")));
        assert!(holds("readiness-timeout-tight", &text.replace("limits: {cpu: 250m}", "")));
        assert!(holds("readiness-timeout-tight", &text.replace("  httpGet", "  timeoutSeconds: 3\n          httpGet")));
    }
}
