//! A workload of an API that Kubernetes no longer has.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "removed-api-version",
    cause: "selector-switch",
    clears: false,
    severity: Severity::Error,
    field: "apiVersion",
    says: "a workload of an API version that was removed",
    why: "Kubernetes has not served it since 1.16, so the object is refused. Where it was still served, other defaults \
          held, and the selector of a Deployment could be changed under its pods.",
    fix: "Write `apiVersion: apps/v1`, and give it the selector that it requires.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    const REMOVED: [&str; 3] = ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"];
    for workload in &manifests.workloads {
        outcome.checked(workload.object);
        if REMOVED.contains(&workload.object.api_version.as_str()) {
            let message = format!("`{}` was removed in Kubernetes 1.16", workload.object.api_version);
            outcome.find(&Field::root(workload.object).get("apiVersion"), &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn an_old_deployment() {
        let text = shop("", "", "").replace("apps/v1", "apps/v1beta1");
        assert_eq!(found("removed-api-version", &text), ["error apiVersion @ apiVersion: apps/v1beta1"]);
        assert!(holds("removed-api-version", &shop("", "", "")));
    }
}
