//! A rolling update that may take half of the pods away.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "max-unavailable-half",
    cause: "capacity-dip",
    clears: true,
    severity: Severity::Note,
    field: "spec.strategy.rollingUpdate.maxUnavailable",
    says: "half of the pods or more may be away in a rollout",
    why: "The pods that are left get all requests. If they have not the capacity for that, requests queue and time out.",
    fix: "Use `maxUnavailable: 0` with a surge, or more replicas.",
    scenario: Some("capacity-dip.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let (Strategy::Rolling(rolling), Some(least)) = (served.workload.strategy(), served.replicas.least) else {
            continue;
        };
        let (_, unavailable) = rolling.resolve(least);
        if least < 2 || unavailable >= least {
            continue;
        }
        outcome.checked(served.workload.object);
        if unavailable.saturating_mul(2) >= least {
            let stated = rolling.field.get("maxUnavailable");
            let field = if stated.is_there() { stated } else { rolling.field.get("maxSurge") };
            let message = format!("{unavailable} of {least} pods may be away at a time");
            outcome.find_served(&served, Severity::Note, &field, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn one_of_two() {
        let text = shop("replicas: 2\nstrategy:\n  rollingUpdate:\n    maxUnavailable: 1", "", "");
        let expected = "note spec.strategy.rollingUpdate.maxUnavailable @ maxUnavailable: 1";
        assert_eq!(found("max-unavailable-half", &text), [expected]);
        assert!(holds("max-unavailable-half", &text.replace("replicas: 2", "replicas: 3")));
        assert!(holds("max-unavailable-half", &shop("replicas: 8", "", "")), "two of eight");
    }
}
