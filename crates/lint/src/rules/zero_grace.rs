//! A grace period of zero.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "zero-grace",
    cause: "grace-too-short",
    clears: false,
    severity: Severity::Error,
    field: "spec.template.spec.terminationGracePeriodSeconds",
    says: "a grace period of zero",
    why: "The process gets SIGKILL at once, without SIGTERM and without the preStop hook: all requests in flight are cut.",
    fix: "Leave the field out, for 30 s, or give the program the time that it needs.",
    scenario: Some("exit-at-once.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        outcome.checked(served.workload.object);
        let field = served.workload.grace_field();
        if field.integer().is_some_and(|seconds| seconds <= 0) {
            let patch = served.workload.patch_pod(&json!({"terminationGracePeriodSeconds": 30}));
            let message = "the grace period is 0: pods get SIGKILL with requests in flight";
            outcome.find_served(&served, Severity::Error, &field, message).mend(patch);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn no_time_to_stop() {
        let expected = "error spec.template.spec.terminationGracePeriodSeconds @ terminationGracePeriodSeconds: 0";
        assert_eq!(found("zero-grace", &shop("", "terminationGracePeriodSeconds: 0", "")), [expected]);
        assert!(holds("zero-grace", &shop("", "terminationGracePeriodSeconds: 1", "")));
        assert!(holds("zero-grace", &shop("", "terminationGracePeriodSeconds:", "")), "null is the default");
    }
}
