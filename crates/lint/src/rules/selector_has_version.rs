//! A Service that selects pods by what changes with each release.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "selector-has-version",
    cause: "selector-switch",
    clears: true,
    severity: Severity::Error,
    field: "spec.selector",
    says: "a Service selects by a label that changes with each release",
    why: "helm writes the Service before the Deployment. From then on it selects no pod that is ready, until the first of \
          the new ones is: every request fails meanwhile.",
    fix: "Select by labels that stay, such as `app.kubernetes.io/name` and `app.kubernetes.io/instance`.",
    scenario: Some("blue-green-gap.yaml"),
    check,
};

/// Labels whose values are of one release by their meaning.
const OF_A_RELEASE: [&str; 5] =
    ["helm.sh/chart", "chart", "app.kubernetes.io/version", "pod-template-hash", "controller-revision-hash"];

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for service in manifests.services.iter().filter(|service| service.selects()) {
        outcome.checked(service.object);
        for (key, value) in &service.selector {
            if OF_A_RELEASE.contains(key) || (*key == "version" && is_release(value)) {
                let field = service.spec.get("selector").get(key);
                let message = format!("selects by `{key}: {value}`, which changes with a release");
                let patch = json!({"spec": {"selector": {*key: null}}});
                outcome.find(&field, &message).mend(patch);
            }
        }
    }
}

/// Whether a value looks like that of one release, such as `1.4.2`, and not like a name, such as `v1` or `blue`.
fn is_release(value: &str) -> bool {
    let value = value.trim_start_matches('v');
    let numbers: Vec<_> = value.split(['.', '-', '_', '+']).collect();
    numbers.len() > 2 && numbers.iter().take(2).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_release;
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_selector_of_one_release() {
        let with = |label: &str| {
            shop("", "", "").replace("selector: {app: shop}", &format!("selector:\n    app: shop\n    {label}"))
        };
        let text = with("helm.sh/chart: shop-1.2.3");
        let expected = "error spec.selector[\"helm.sh/chart\"] @ helm.sh/chart: shop-1.2.3";
        assert_eq!(found("selector-has-version", &text), [expected]);
        assert_eq!(found("selector-has-version", &with("version: 1.4.2")).len(), 1);
        assert!(holds("selector-has-version", &with("version: v1")), "a subset of a mesh, or blue and green");
        assert!(holds("selector-has-version", &with("app.kubernetes.io/instance: shop")));
    }

    #[test]
    fn releases_and_names() {
        assert!(["1.2.3", "v2.0.0-rc1", "2024.11.1"].into_iter().all(is_release));
        assert!(!["v1", "blue", "2", "canary-1-2", "1.x"].into_iter().any(is_release));
    }
}
