//! A `PodDisruptionBudget` that lets no pod go.

use super::budgets::covers;
use super::prelude::*;
use crate::object::Object;
use crate::quantity::Pods;

pub(super) const RULE: Rule = Rule {
    name: "disruption-budget-blocks",
    cause: "node-drain",
    clears: false,
    severity: Severity::Warning,
    field: "spec.minAvailable",
    says: "a PodDisruptionBudget that lets no pod go",
    why: "A node cannot be drained while the budget refuses. In the end the pods are removed \
          against it.",
    fix: "Run one pod more than the budget asks for, or allow for one: `maxUnavailable: 1`.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let budgets: Vec<_> = manifests.of_kind(Kind::DisruptionBudget).collect();
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        let replicas = manifests.replicas(workload);
        let Some(least) = replicas.least.filter(|least| *least > 0) else { continue };
        for budget in budgets.iter().filter(|budget| covers(budget, workload) == Some(true)) {
            outcome.checked(budget);
            if let Some(field) = blocks(budget, least) {
                // More pods may be there than the least.
                let scaled = manifests.autoscaler(workload).is_some();
                let severity = if scaled { Severity::Note } else { Severity::Warning };
                let pods = if least == 1 { "the only pod".to_owned() } else { format!("none of the {least} pods") };
                let may = if least == 1 { "may not go" } else { "may go" };
                let when = if scaled { ", when scaled to the least" } else { "" };
                let message = format!("{pods} of {} {may}{when}", workload.object.named);
                outcome.find_as(severity, &field, &message);
            }
        }
    }
}

/// The field by which `budget` lets none of `pods` go.
fn blocks(budget: &Object, pods: u32) -> Option<Field<'_>> {
    let spec = Field::root(budget).get("spec");
    let (least, most) = (spec.get("minAvailable"), spec.get("maxUnavailable"));
    // Both are rounded up.
    let all = least.text().and_then(Pods::parse).is_some_and(|least| least.up(pods) >= pods);
    let none = most.text().and_then(Pods::parse).is_some_and(|most| most.up(pods) == 0);
    all.then_some(least).or_else(|| none.then_some(most))
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn no_pod_may_go() {
        let budget = |field: &str| {
            format!(
                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: shop}}\nspec:\n  {field}\n  selector: {{matchLabels: {{app: shop}}}}\n"
            )
        };
        let of_two = |field: &str| shop("replicas: 2", "", "") + &budget(field);
        let expected = "warning spec.minAvailable @ minAvailable: 2";
        assert_eq!(found("disruption-budget-blocks", &of_two("minAvailable: 2")), [expected]);
        assert_eq!(found("disruption-budget-blocks", &of_two("maxUnavailable: 0")).len(), 1);
        assert_eq!(found("disruption-budget-blocks", &of_two("minAvailable: 51%")).len(), 1, "rounded up to two");
        assert!(holds("disruption-budget-blocks", &of_two("minAvailable: 1")));
        assert!(holds("disruption-budget-blocks", &of_two("maxUnavailable: 1%")), "rounded up to one");
        assert_eq!(found("disruption-budget-blocks", &(shop("", "", "") + &budget("minAvailable: 1"))).len(), 1);
    }
}
