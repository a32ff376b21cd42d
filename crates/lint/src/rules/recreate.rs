//! The strategy that ends all pods before it starts others.

use serde_json::json;

use super::prelude::*;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "recreate",
    cause: "recreate",
    clears: true,
    severity: Severity::Error,
    field: "spec.strategy.type",
    says: "strategy Recreate on what gets requests",
    why: "All old pods end before a new one starts: every request fails until one is ready, in each rollout.",
    fix: "Use RollingUpdate with `maxUnavailable: 0`. A volume that only one node can mount must be replaced first, by one \
          that several can or by state outside of the pod.",
    scenario: Some("recreate.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let workload = served.workload;
        if workload.kind() != Kind::Deployment {
            continue;
        }
        outcome.checked(workload.object);
        let Strategy::Recreate(field) = workload.strategy() else { continue };
        let all =
            format!("every request of {} fails from the end of the old pods until a new one is ready", served.by());
        match forced_by(workload) {
            None => {
                let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
                let patch = json!({"spec": {"strategy": strategy}});
                outcome.find_served(&served, Severity::Error, &field, &all).mend(patch);
            }
            Some(what) => {
                outcome.find_served(
                    &served,
                    Severity::Warning,
                    &field,
                    &format!("{all}; {what} may be the reason for it"),
                );
            }
        }
    }
}

/// What keeps two pods of the workload from running at the same time.
pub(super) fn forced_by(workload: &Workload<'_>) -> Option<&'static str> {
    if !workload.claims().is_empty() {
        return Some("the volume claim");
    }
    workload.host_port().map(|_| "the port of the node")
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_gap_in_each_rollout() {
        let text = shop("strategy:\n  type: Recreate", "", "");
        assert_eq!(found("recreate", &text), ["error spec.strategy.type @ type: Recreate"]);
        assert!(holds("recreate", &shop("strategy: {type: RollingUpdate}", "", "")));
        assert!(holds("recreate", &shop("", "", "")));
        assert_eq!(found("recreate", &text.replace("selector: {app: shop}", "selector: {app: db}")), [""; 0]);
    }

    #[test]
    fn a_claim_may_be_the_reason() {
        let text =
            shop("strategy: {type: Recreate}", "volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]", "");
        assert_eq!(found("recreate", &text), ["warning spec.strategy.type @ strategy: {type: Recreate}"]);
    }
}
