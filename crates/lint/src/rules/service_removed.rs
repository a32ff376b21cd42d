//! A Service or an Ingress that the upgrade deletes.

use super::prelude::*;
use crate::manifests::together;
use crate::object::Object;

pub(super) const RULE: Rule = Rule {
    name: "service-removed",
    cause: "service-recreated",
    clears: false,
    severity: Severity::Warning,
    field: "metadata.name",
    says: "the upgrade deletes a Service or an Ingress of what goes on running",
    why: "Clients that use its name or address fail from then on, also if another one takes its place under another name.",
    fix: "Keep the old one for a release beside the new one (`helm.sh/resource-policy: keep`), until its clients have moved.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    // Of a release that is taken away as a whole, Services are not missed.
    for old in before.services.iter().filter(|service| service.selects() && !service.is_for_metrics()) {
        let mut pods = before.selected_by(old).into_iter();
        let runs_on = pods.any(|workload| manifests.same_workload(workload).is_some());
        if manifests.same_service(old).is_none() && runs_on && !old.is_for_peers() && !is_kept(old.object) {
            outcome.find(&name(old.object), "is not in the upgrade, which deletes it while its pods go on running");
        }
    }
    for old in before.of_kind(Kind::Ingress).filter(|old| !is_kept(old)) {
        let is_it = |object: &Object| object.name == old.name && together(object, old);
        let others = manifests.of_kind(Kind::Ingress).count() > 0;
        if others && !manifests.of_kind(Kind::Ingress).any(is_it) {
            outcome.find(&name(old), "is not among the Ingresses of the upgrade, which deletes it");
        }
    }
}

fn name(object: &Object) -> Field<'_> {
    Field::root(object).dig("metadata.name")
}

fn is_kept(object: &Object) -> bool {
    Field::root(object).dig("metadata.annotations").get("helm.sh/resource-policy").is("keep")
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn a_service_that_goes() {
        let before = shop("", "", "");
        let after = before.replace("kind: Service\nmetadata: {name: shop}", "kind: Service\nmetadata: {name: store}");
        let found = found_between("service-removed", &before, &after);
        assert_eq!(found, ["warning metadata.name @ metadata: {name: shop}"]);
        assert_eq!(found_between("service-removed", &before, &before), [""; 0]);
        let (_, service) = before.split_once("---\n").unwrap();
        assert_eq!(found_between("service-removed", &before, "a: b"), [""; 0], "all of it goes");
        assert_eq!(found_between("service-removed", service, &after), [""; 0], "nothing is known of its pods");
    }
}
