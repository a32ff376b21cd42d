//! Pods that an AWS load balancer sends requests to, which are ready before the balancer knows them.

use super::aws::targets_pods;
use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "no-readiness-gate",
    cause: "registration-lag",
    clears: true,
    severity: Severity::Warning,
    field: "metadata.labels[\"elbv2.k8s.aws/pod-readiness-gate-inject\"]",
    says: "an AWS load balancer sends requests to pods, and nothing makes a rollout wait for it",
    why: "The rollout goes on as soon as Kubernetes calls a pod ready. The load balancer registers and checks it for a minute \
          or more; by then all targets that it knows may be gone.",
    fix: "Label the namespace `elbv2.k8s.aws/pod-readiness-gate-inject: enabled`, before the pods are made.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let Some(field) = targets_pods(manifests, &served) else { continue };
        outcome.checked(served.workload.object);
        if served.workload.pod.get("readinessGates").is_there() {
            continue;
        }
        let own = served.workload.object.namespace.as_deref();
        let namespace = manifests.of_kind(Kind::Namespace).find(|namespace| own == Some(namespace.name.as_str()));
        let Some(namespace) = namespace else {
            let message = "pods are targets of their own: is the namespace labelled \
                           `elbv2.k8s.aws/pod-readiness-gate-inject: enabled`? It is not in the input";
            outcome.find_as(Severity::Note, &field, message);
            continue;
        };
        let label = Field::root(namespace).dig("metadata.labels").get("elbv2.k8s.aws/pod-readiness-gate-inject");
        if !label.is("enabled") {
            let message = format!("pods of {} are targets of a load balancer that no rollout waits for", served.by());
            outcome.find(&label, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn targets_that_no_rollout_waits_for() {
        let text = shop("", "", "").replace(
            "kind: Service\nmetadata: {name: shop}",
            "kind: Service\nmetadata:\n  name: shop\n  annotations:\n    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip",
        );
        assert!(found("no-readiness-gate", &text)[0].starts_with("note metadata.annotations"));
        let placed = text.replace("metadata: {name: shop}\n", "metadata: {name: shop, namespace: prod}\n");
        let namespace =
            |labels: &str| format!("{placed}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: prod{labels}}}\n");
        let expected = "warning metadata.labels[\"elbv2.k8s.aws/pod-readiness-gate-inject\"] @ metadata: {name: prod}";
        assert_eq!(found("no-readiness-gate", &namespace("")), [expected]);
        let labelled = namespace(", labels: {elbv2.k8s.aws/pod-readiness-gate-inject: enabled}");
        assert!(holds("no-readiness-gate", &labelled));
        assert_eq!(found("no-readiness-gate", &shop("", "", "")), [""; 0]);
    }
}
