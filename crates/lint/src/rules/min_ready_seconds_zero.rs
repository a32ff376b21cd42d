//! A small Deployment whose old pod goes in the moment in which the new one is ready.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "min-ready-seconds-zero",
    cause: "addition-lag",
    clears: true,
    severity: Severity::Note,
    field: "spec.minReadySeconds",
    says: "one or two pods, and each goes as soon as its successor is ready",
    why: "Proxies and load balancers learn of a new pod some time after it is ready. With few pods, all that they know may \
          be gone by then.",
    fix: "Set `minReadySeconds` to 5 or 10, beside a preStop hook.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let (Strategy::Rolling(_), Some(least @ ..=2)) = (served.workload.strategy(), served.replicas.least) else {
            continue;
        };
        if !served.keeps_serving() {
            continue;
        }
        outcome.checked(served.workload.object);
        let field = served.workload.spec.get("minReadySeconds");
        if field.integer().unwrap_or(0) <= 0 {
            let pods = if least == 1 { "the only pod goes" } else { "with two pods, each goes" };
            let message = format!("{pods} as soon as its successor is ready (minReadySeconds 0)");
            outcome
                .find_served(&served, Severity::Note, &field, &message)
                .mend(json!({"spec": {"minReadySeconds": 10}}));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_successor_that_is_not_known_yet() {
        assert_eq!(found("min-ready-seconds-zero", &shop("", "", "")), ["note spec.minReadySeconds @ spec:"]);
        assert!(holds("min-ready-seconds-zero", &shop("minReadySeconds: 5", "", "")));
        assert_eq!(found("min-ready-seconds-zero", &shop("replicas: 3", "", "")), [""; 0]);
    }
}
