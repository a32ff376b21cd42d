//! A surge of pods that each need a port of their node.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "host-port-blocks-surge",
    cause: "pods-cannot-start",
    clears: false,
    severity: Severity::Note,
    field: "spec.template.spec.containers[*].ports[*].hostPort",
    says: "each pod needs a port of its node, and the new one must start before the old one goes",
    why: "The new pod can only start on a node that has no old one. If there is none the rollout waits until its deadline.",
    fix: "Keep a node free, or allow for one pod less: `maxUnavailable: 1` with two replicas or more.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let (Strategy::Rolling(rolling), Some(least)) = (served.workload.strategy(), served.replicas.least) else {
            continue;
        };
        let Some(field) = served.workload.host_port() else { continue };
        outcome.checked(served.workload.object);
        if rolling.resolve(least).1 == 0 {
            let message = "the new pod needs a node without an old one, since both need a port of it";
            outcome.find_served(&served, Severity::Note, &field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_port_of_the_node() {
        let text = shop("replicas: 2", "hostNetwork: true", "");
        let expected = "note spec.template.spec.hostNetwork @ hostNetwork: true";
        assert_eq!(found("host-port-blocks-surge", &text), [expected]);
        let text = shop("replicas: 2\nstrategy: {rollingUpdate: {maxUnavailable: 1}}", "hostNetwork: true", "");
        assert!(holds("host-port-blocks-surge", &text));
        let port = shop("", "", "").replace("containerPort: 8080", "containerPort: 8080, hostPort: 80");
        assert_eq!(found("host-port-blocks-surge", &port).len(), 1);
        assert_eq!(found("host-port-blocks-surge", &shop("", "", "")), [""; 0]);
    }
}
