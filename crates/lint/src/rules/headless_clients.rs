//! A headless Service in front of a Deployment.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "headless-clients",
    cause: "dns-caching",
    clears: true,
    severity: Severity::Note,
    field: "spec.clusterIP",
    says: "clients find the pods of a Deployment by DNS",
    why: "Clients keep the addresses that DNS gave them, for 30 s in many libraries and for ever in some. After a rollout \
          they connect to pods that are gone.",
    fix: "Sleep in preStop for as long as clients keep addresses, or use a Service with an address of its own where clients \
          do not balance themselves.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for (service, workloads) in manifests.selections() {
        let mut deployed = workloads.iter().filter(|one| matches!(one.kind(), Kind::Deployment | Kind::Rollout));
        let Some(workload) = deployed.next() else { continue };
        outcome.checked(service.object);
        if service.is_headless() && !service.is_for_metrics() && !service.is_for_peers() {
            let message =
                format!("clients of {} hold addresses of pods for as long as they cache DNS", workload.object.named);
            outcome.find(&service.spec.get("clusterIP"), &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn addresses_that_clients_keep() {
        let text = shop("", "", "").replace("  selector:", "  clusterIP: None\n  selector:");
        assert_eq!(found("headless-clients", &text), ["note spec.clusterIP @ clusterIP: None"]);
        assert!(holds("headless-clients", &shop("", "", "")));
        let peers = text.replace("kind: Deployment", "kind: StatefulSet");
        assert_eq!(found("headless-clients", &peers), [""; 0]);
    }
}
