//! A blue-green Rollout that ends the old pods right after the switch.

use super::prelude::*;

/// The delay under which proxies may still send requests to the old pods, in seconds.
const ENOUGH: i64 = 10;

pub(super) const RULE: Rule = Rule {
    name: "blue-green-scale-down",
    cause: "endpoint-race",
    clears: true,
    severity: Severity::Warning,
    field: "spec.strategy.blueGreen.scaleDownDelaySeconds",
    says: "a blue-green Rollout ends the old pods right after the switch",
    why: "The Service's selector is switched at once, but nodes and proxies learn of it later and send requests to pods \
          that are gone.",
    fix: "Leave `scaleDownDelaySeconds` out, for 30 s, or make it longer than the slowest proxy takes.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in &manifests.workloads {
        let Strategy::BlueGreen(field) = workload.strategy() else { continue };
        outcome.checked(workload.object);
        let delay = field.get("scaleDownDelaySeconds");
        if let Some(seconds) = delay.integer().filter(|seconds| *seconds < ENOUGH) {
            outcome.find(&delay, &format!("the old pods go {seconds} s after the switch"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn old_pods_that_go_too_soon() {
        let rollout = |delay: &str| {
            let text = shop(&format!("strategy:\n  blueGreen:\n    activeService: shop{delay}"), "", "");
            text.replace("apps/v1\nkind: Deployment", "argoproj.io/v1alpha1\nkind: Rollout")
        };
        let expected = "warning spec.strategy.blueGreen.scaleDownDelaySeconds @ scaleDownDelaySeconds: 0";
        assert_eq!(found("blue-green-scale-down", &rollout("\n    scaleDownDelaySeconds: 0")), [expected]);
        assert!(holds("blue-green-scale-down", &rollout("")));
    }
}
