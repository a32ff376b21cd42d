//! A workload whose selector the upgrade changes.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "workload-selector-changed",
    cause: "all-pods-deleted",
    clears: false,
    severity: Severity::Error,
    field: "spec.selector.matchLabels",
    says: "the upgrade changes the selector of a workload",
    why: "The selector of a workload cannot be changed: the API server refuses the upgrade, also with `--force`. Deleting the \
          workload to get on ends all of its pods at once.",
    fix: "Keep the selector, and add labels to the pod template only.",
    scenario: Some("recreate.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        let Some(old) = before.same_workload(workload) else { continue };
        outcome.checked(workload.object);
        let (field, was) = (workload.spec.dig("selector.matchLabels"), old.spec.dig("selector.matchLabels"));
        let sorted = |field: &Field<'_>| {
            let mut pairs: Vec<_> = field.pairs().iter().map(|(key, value)| format!("{key}: {value}")).collect();
            pairs.sort();
            pairs.join(", ")
        };
        if field.is_there() && was.is_there() && sorted(&field) != sorted(&was) {
            let message =
                format!("changes from `{}` to `{}`, which the API server refuses", sorted(&was), sorted(&field));
            outcome.find(&field, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn a_selector_that_cannot_change() {
        let with = |labels: &str| shop(&format!("selector:\n  matchLabels: {{{labels}}}"), "", "");
        let found = found_between("workload-selector-changed", &with("app: shop"), &with("app: shop, v: x"));
        assert_eq!(found, ["error spec.selector.matchLabels @ matchLabels: {app: shop, v: x}"]);
        let same = found_between("workload-selector-changed", &with("a: b, c: d"), &with("c: d, a: b"));
        assert_eq!(same, [""; 0]);
    }
}
