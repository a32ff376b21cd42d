//! A Service that selects none of the pods of the input.

use super::prelude::*;
use crate::object::Object;
use crate::service::Service;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "selector-matches-nothing",
    cause: "selector-switch",
    clears: false,
    severity: Severity::Error,
    field: "spec.selector",
    says: "a Service selects no pod of the input",
    why: "A Service without endpoints refuses every connection, and an ingress answers 503 for it.",
    fix: "Make the selector a part of the labels of the pod template.",
    scenario: Some("blue-green-gap.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    // Other objects may make pods that are not in the input, and Rollouts label pods of a canary or of an experiment.
    let complete = !manifests.objects.iter().any(|object| matches!(object.kind, Kind::Custom | Kind::Rollout));
    for (service, selected) in manifests.selections() {
        if !selected.is_empty() {
            outcome.checked(service.object);
            continue;
        }
        let namesake = manifests.workloads.iter().find(|workload| is_meant(service, workload));
        let (severity, hint) = match namesake {
            Some(workload) => (Severity::Error, differs(service, workload)),
            None if complete && is_from_here(service.object, manifests) => (Severity::Warning, String::new()),
            None => continue,
        };
        let pairs: Vec<_> = service.selector.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let message = format!("selects `{}`, and no pod template of the input has that{hint}", pairs.join(", "));
        outcome.find_as(severity, &service.spec.get("selector"), &message);
    }
}

/// Whether the pods of `workload` are those that `service` should select: of the same name, with the same labels in part.
fn is_meant(service: &Service<'_>, workload: &Workload<'_>) -> bool {
    let same = service.object.name == workload.object.name && service.object.namespace == workload.object.namespace;
    let differ = |key: &str| workload.labels.iter().any(|(label, _)| *label == key);
    same && workload.is_rolled()
        && workload.kind() != Kind::Rollout
        && service.selector.iter().all(|(key, _)| differ(key))
}

fn differs(service: &Service<'_>, workload: &Workload<'_>) -> String {
    let other = service.selector.iter().find(|label| !workload.labels.contains(label));
    let has = other.and_then(|(key, _)| workload.labels.iter().find(|(label, _)| label == key));
    has.map(|(key, value)| format!("; {} has `{key}: {value}`", workload.object.named)).unwrap_or_default()
}

/// Whether the pods of a Service can be expected in the input: it has workloads in the Service's namespace.
fn is_from_here(service: &Object, manifests: &Manifests<'_>) -> bool {
    let rolled = manifests.workloads.iter().filter(|workload| workload.is_rolled());
    rolled.into_iter().any(|workload| workload.object.namespace == service.namespace)
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, report, shop};

    #[test]
    fn a_selector_with_a_slip() {
        let text = shop("", "", "").replace("selector: {app: shop}", "selector: {app: shopp}");
        let expected = "error spec.selector @ selector: {app: shopp}";
        assert_eq!(found("selector-matches-nothing", &text), [expected]);
        assert!(holds("selector-matches-nothing", &shop("", "", "")));
    }

    #[test]
    fn pods_that_may_come_from_elsewhere() {
        let other = shop("", "", "").replace(
            "metadata: {name: shop}\nspec:\n  selector: {app: shop}",
            "metadata: {name: db}\nspec:\n  selector: {db: x}",
        );
        assert_eq!(found("selector-matches-nothing", &other), ["warning spec.selector @ selector: {db: x}"]);
        let operated = other.clone() + "---\napiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: db}\n";
        let found =
            report(&operated).findings.into_iter().any(|finding| finding.rule.name == "selector-matches-nothing");
        assert!(!found, "an operator makes them");
        let rollout = shop("", "", "").replace("apps/v1\nkind: Deployment", "argoproj.io/v1alpha1\nkind: Rollout");
        let experiment = rollout.replace("selector: {app: shop}", "selector: {app: preview}");
        assert_eq!(crate::testing::found("selector-matches-nothing", &experiment), [""; 0]);
        let lone = &other[other.find("---").unwrap()..];
        assert_eq!(crate::testing::found("selector-matches-nothing", lone), [""; 0], "a part of a release");
    }
}
