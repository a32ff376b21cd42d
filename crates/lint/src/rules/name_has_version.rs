//! A Service or an Ingress whose name changes with each release.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "name-has-version",
    cause: "service-recreated",
    clears: false,
    severity: Severity::Warning,
    field: "metadata.name",
    says: "the name of a Service or an Ingress has the version in it",
    why: "The next release makes another object and deletes this one: its address, its routes and its load balancer go.",
    fix: "Use a name that stays.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let objects = [Kind::Service, Kind::Ingress, Kind::HttpRoute].into_iter().flat_map(|kind| manifests.of_kind(kind));
    for object in objects {
        outcome.checked(object);
        let metadata = Field::root(object).get("metadata");
        let Some(version) = metadata.get("labels").get("app.kubernetes.io/version").text() else { continue };
        let version = version.trim_start_matches('v');
        let dashed = version.replace('.', "-");
        if version.contains('.') && (object.name.contains(version) || object.name.contains(&dashed)) {
            let message = format!("the name has the version {version} in it and changes with it");
            outcome.find(&metadata.get("name"), &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds};

    #[test]
    fn a_name_of_one_release() {
        let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: shop-1-4-2\n  labels: {app.kubernetes.io/version: \
                       v1.4.2}\n";
        assert_eq!(found("name-has-version", service), ["warning metadata.name @ name: shop-1-4-2"]);
        assert!(holds("name-has-version", &service.replace("shop-1-4-2", "shop-v1")));
    }
}
