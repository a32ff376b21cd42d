//! A Deployment of one pod.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "one-replica",
    cause: "node-drain",
    clears: false,
    severity: Severity::Note,
    field: "spec.replicas",
    says: "one pod gets all requests",
    why: "A rolling update with a surge replaces it without a gap. A node that is drained or fails, an eviction or a crash \
          does not: every request fails until another pod is ready.",
    fix: "Run two or more pods, on different nodes.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        if !matches!(served.workload.kind(), Kind::Deployment | Kind::Rollout) {
            continue;
        }
        outcome.checked(served.workload.object);
        if served.replicas.least == Some(1) {
            let field = &served.replicas.field;
            let default = if field.is_absent() { ", by default" } else { "" };
            let message = format!("one pod{default}: a drained node or an eviction is downtime of {}", served.by());
            outcome.find_served(&served, Severity::Note, field, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn one_pod_by_word_or_by_default() {
        assert_eq!(found("one-replica", &shop("replicas: 1", "", "")), ["note spec.replicas @ replicas: 1"]);
        assert_eq!(found("one-replica", &shop("", "", "")), ["note spec.replicas @ spec:"]);
        assert!(holds("one-replica", &shop("replicas: 2", "", "")));
        assert_eq!(found("one-replica", &shop("replicas: 0", "", "")), [""; 0]);
    }
}
