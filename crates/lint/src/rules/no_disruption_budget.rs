//! Several pods that may all be evicted at once.

use super::budgets::covers;
use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "no-disruption-budget",
    cause: "node-drain",
    clears: false,
    severity: Severity::Note,
    field: "spec",
    says: "several pods and no PodDisruptionBudget",
    why: "Nothing keeps a drain of nodes from evicting all pods at once. A budget does; it has no say in a rollout.",
    fix: "Add a PodDisruptionBudget with `maxUnavailable: 1`.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let budgets: Vec<_> = manifests.of_kind(Kind::DisruptionBudget).collect();
    for served in manifests.served().into_iter().filter(|served| served.certain) {
        let Some(least @ 2..) = served.replicas.least else { continue };
        outcome.checked(served.workload.object);
        if budgets.iter().all(|budget| covers(budget, served.workload) == Some(false)) {
            let message = format!("a drain may evict all {least} pods of {} at once", served.by());
            outcome.find(&served.workload.spec, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn all_pods_at_once() {
        let text = shop("replicas: 2", "", "");
        assert_eq!(found("no-disruption-budget", &text), ["note spec @ spec:"]);
        let budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: shop}\nspec: {maxUnavailable: 1, \
                      selector: {matchLabels: {app: shop}}}\n";
        assert!(holds("no-disruption-budget", &(text + budget)));
        assert_eq!(found("no-disruption-budget", &shop("replicas: 1", "", "")), [""; 0]);
    }
}
