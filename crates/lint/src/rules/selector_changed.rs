//! A Service whose new selector none of the old pods has.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "selector-changed",
    cause: "selector-switch",
    clears: true,
    severity: Severity::Error,
    field: "spec.selector",
    says: "the upgrade changes the selector of a Service to one that no old pod has",
    why: "helm writes the Service before the Deployment. From then on it selects no pod that is ready, until the first of \
          the new ones is: every request fails meanwhile.",
    fix: "Give the pods the new labels in one release, and change the selector in the next.",
    scenario: Some("blue-green-gap.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for service in manifests.services.iter().filter(|service| service.selects()) {
        let Some(old) = before.same_service(service).filter(|old| old.selects()) else { continue };
        let pods = before.selected_by(old);
        if pods.is_empty() {
            continue;
        }
        outcome.checked(service.object);
        let has = |labels: &std::collections::HashSet<_>| service.selector.iter().all(|label| labels.contains(label));
        if !pods.iter().any(|workload| has(&workload.labels)) {
            let new = service.selector.iter().filter(|label| !pods[0].labels.contains(label));
            let new: Vec<_> = new.map(|(key, value)| format!("{key}: {value}")).collect();
            let message = format!("no pod of the release before has `{}`", new.join(", "));
            outcome.find(&service.spec.get("selector"), &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn labels_that_only_new_pods_have() {
        let (before, after) = (shop("", "", ""), shop("", "", "").replace("{app: shop}", "{app: store}"));
        assert_eq!(
            found_between("selector-changed", &before, &after),
            ["error spec.selector @ selector: {app: store}"]
        );
        assert_eq!(found_between("selector-changed", &before, &before), [""; 0]);
        let both = before.replace("labels: {app: shop}", "labels: {app: shop, tier: web}");
        let narrower = both.replace("selector: {app: shop}", "selector: {app: shop, tier: web}");
        assert_eq!(found_between("selector-changed", &both, &narrower), [""; 0], "old pods have both");
    }
}
