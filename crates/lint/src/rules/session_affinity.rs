//! A Service that keeps each client at its pod.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "session-affinity",
    cause: "session-affinity",
    clears: true,
    severity: Severity::Note,
    field: "spec.sessionAffinity",
    says: "a Service keeps each client at one pod",
    why: "A client stays with its pod, by default for three hours. What goes wrong there hits some clients with all of their \
          requests, and a prober at one address sees all of it or nothing.",
    fix: "Keep sessions outside of the pods; measure from several addresses.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for service in manifests.services.iter().filter(|service| service.selects()) {
        outcome.checked(service.object);
        let field = service.spec.get("sessionAffinity");
        if field.is("ClientIP") {
            outcome.find(&field, "each client stays with one pod, as does a prober at one address");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn clients_that_stay() {
        let text = shop("", "", "").replace("  selector:", "  sessionAffinity: ClientIP\n  selector:");
        assert_eq!(found("session-affinity", &text), ["note spec.sessionAffinity @ sessionAffinity: ClientIP"]);
        assert!(holds("session-affinity", &text.replace("ClientIP", "None")));
    }
}
