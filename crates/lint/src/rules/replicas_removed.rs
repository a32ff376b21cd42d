//! A number of pods that the upgrade no longer states.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "replicas-removed",
    cause: "replicas-reset",
    clears: false,
    severity: Severity::Error,
    field: "spec.replicas",
    says: "the upgrade leaves out replicas, which the release before stated",
    why: "helm 3 removes what it applied before, and the API server then sets the number of pods to 1. All pods but \
          one end at once, until an autoscaler brings them back. Server-side apply, as in helm 4, leaves the field to \
          an autoscaler that has set it.",
    fix: "Before this upgrade, take the field from what helm applied, or let another field manager own it; after it, check the \
          number of pods.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        let Some(old) = before.same_workload(workload) else { continue };
        outcome.checked(workload.object);
        let (field, was) = (workload.spec.get("replicas"), old.spec.get("replicas"));
        // An autoscaler may have made more of one.
        let scaled = before.autoscaler(old).is_some();
        if let Some(replicas) = was.integer().filter(|replicas| field.is_absent() && (*replicas > 1 || scaled)) {
            outcome.find(&field, &format!("was {replicas} and is left out now: helm 3 sets it to 1"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn a_field_that_goes_to_one() {
        let (three, none) = (shop("replicas: 3", "", ""), shop("", "", ""));
        assert_eq!(found_between("replicas-removed", &three, &none), ["error spec.replicas @ spec:"]);
        assert_eq!(found_between("replicas-removed", &three, &three), [""; 0]);
        assert_eq!(found_between("replicas-removed", &shop("replicas: 1", "", ""), &none), [""; 0]);
    }
}
