//! A `StatefulSet` of one pod, which goes before its successor comes.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "single-pod-in-place",
    cause: "max-unavailable",
    clears: true,
    severity: Severity::Warning,
    field: "spec.replicas",
    says: "a StatefulSet of one pod that gets requests",
    why: "A StatefulSet ends a pod before it starts the one that replaces it. With one pod every request fails meanwhile.",
    fix: "Run two or more, if the program can; else expect the gap in each rollout. A program without a volume of its own \
          may be a Deployment.",
    scenario: Some("max-unavailable-one.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        if !matches!(served.workload.strategy(), Strategy::InPlace) {
            continue;
        }
        outcome.checked(served.workload.object);
        if served.replicas.least == Some(1) {
            let templates = served.workload.spec.get("volumeClaimTemplates");
            let stateful = templates.is_there() || !served.workload.claims().is_empty();
            let severity = if stateful { Severity::Note } else { Severity::Warning };
            let message = format!("no pod is there for {} while the only one is replaced", served.by());
            outcome.find_served(&served, severity, &served.replicas.field, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn the_only_pod_goes_first() {
        let text = shop("replicas: 1", "", "").replace("kind: Deployment", "kind: StatefulSet");
        assert_eq!(found("single-pod-in-place", &text), ["warning spec.replicas @ replicas: 1"]);
        let stateful =
            text.replace("  replicas: 1\n", "  replicas: 1\n  volumeClaimTemplates: [{metadata: {name: data}}]\n");
        assert_eq!(found("single-pod-in-place", &stateful), ["note spec.replicas @ replicas: 1"]);
        assert!(holds("single-pod-in-place", &text.replace("replicas: 1", "replicas: 2")));
        let manual = text.replace("  replicas: 1\n", "  replicas: 1\n  updateStrategy: {type: OnDelete}\n");
        assert_eq!(found("single-pod-in-place", &manual), [""; 0]);
    }
}
