//! A surge of pods of which no two may be on one node.

use super::prelude::*;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "anti-affinity-blocks-surge",
    cause: "pods-cannot-start",
    clears: false,
    severity: Severity::Note,
    field: "spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    says: "no two pods may be on one node, and the new one must start before the old one goes",
    why: "With as many replicas as nodes there is no node for the new pod, and the rollout waits until its deadline.",
    fix: "Prefer the nodes instead of requiring them, or spread with `topologySpreadConstraints` and `ScheduleAnyway`.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let (Strategy::Rolling(rolling), Some(least)) = (served.workload.strategy(), served.replicas.least) else {
            continue;
        };
        let Some(field) = excludes_itself(served.workload) else { continue };
        outcome.checked(served.workload.object);
        if rolling.resolve(least).1 == 0 {
            let message =
                format!("a rollout needs {} nodes, since no two of the pods may share one", least.saturating_add(1));
            outcome.find_served(&served, Severity::Note, &field, &message);
        }
    }
}

/// The term that keeps two pods of the workload off one node.
fn excludes_itself<'a>(workload: &Workload<'a>) -> Option<Field<'a>> {
    let terms = workload.pod.dig("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution").items();
    let excludes = |term: &Field<'a>| {
        let labels = term.dig("labelSelector.matchLabels").pairs();
        let only = term.dig("labelSelector.matchExpressions").is_absent();
        let own = !labels.is_empty() && labels.iter().all(|label| workload.labels.contains(label));
        own && only && term.get("topologyKey").is("kubernetes.io/hostname")
    };
    terms.into_iter().find(excludes)
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_node_for_each() {
        let pod = "affinity:\n  podAntiAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n    - topologyKey: \
                   kubernetes.io/hostname\n      labelSelector: {matchLabels: {app: shop}}";
        let expected = "note spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0] \
                        @ - topologyKey: kubernetes.io/hostname";
        assert_eq!(found("anti-affinity-blocks-surge", &shop("replicas: 2", pod, "")), [expected]);
        let allowed = shop("replicas: 3\nstrategy: {rollingUpdate: {maxUnavailable: 1}}", pod, "");
        assert!(holds("anti-affinity-blocks-surge", &allowed));
        let other = shop("replicas: 2", &pod.replace("shop", "db"), "");
        assert_eq!(found("anti-affinity-blocks-surge", &other), [""; 0]);
    }
}
