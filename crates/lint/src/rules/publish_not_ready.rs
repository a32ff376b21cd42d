//! A Service that sends requests to pods which are not ready.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "publish-not-ready",
    cause: "ready-too-early",
    clears: false,
    severity: Severity::Warning,
    field: "spec.publishNotReadyAddresses",
    says: "a Service with an address of its own sends requests to pods that are not ready",
    why: "Pods get connections from their first moment to their last, whatever their readiness probe says.",
    fix: "Leave the field out. It is meant for peers that find one another by a headless Service.",
    scenario: Some("no-readiness-probe.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for service in manifests.services.iter().filter(|service| service.selects() && !service.is_headless()) {
        outcome.checked(service.object);
        let field = service.spec.get("publishNotReadyAddresses");
        if field.is_true() && !service.is_for_metrics() {
            let message = "pods get requests before they are ready and while they end";
            outcome.find(&field, message).mend(json!({"spec": {"publishNotReadyAddresses": false}}));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn pods_that_are_not_ready() {
        let text = shop("", "", "").replace("  selector:", "  publishNotReadyAddresses: true\n  selector:");
        let expected = "warning spec.publishNotReadyAddresses @ publishNotReadyAddresses: true";
        assert_eq!(found("publish-not-ready", &text), [expected]);
        assert_eq!(found("publish-not-ready", &text.replace("  selector:", "  clusterIP: None\n  selector:")), [""; 0]);
        assert!(holds("publish-not-ready", &shop("", "", "")));
    }
}
