//! A Service that keeps traffic on the node where it arrives.

use super::prelude::*;
use crate::service::Service;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "local-traffic-policy",
    cause: "local-traffic-policy",
    clears: true,
    severity: Severity::Warning,
    field: "spec.externalTrafficPolicy",
    says: "a Service only uses pods on the node where a connection arrives",
    why: "A node that has lost its last pod drops what arrives, until the load balancer's health check has failed there.",
    fix: "Keep pods listening in preStop for longer than the health check takes to fail, spread them over the nodes, or use \
          the policy Cluster.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for (service, workloads) in manifests.selections() {
        let rolled: Vec<_> = workloads.into_iter().filter(|workload| workload.is_rolled()).collect();
        if rolled.is_empty() || service.is_for_metrics() {
            continue;
        }
        outcome.checked(service.object);
        let external = service.spec.get("externalTrafficPolicy");
        if external.is("Local") && service.is_external() {
            let waits = rolled.iter().all(|workload| workload.main_containers().any(|one| one.pre_stop().is_some()));
            let severity = if waits { Severity::Note } else { Severity::Warning };
            let beside = if waits { "" } else { ", and its pods have no preStop hook" };
            let message = format!("a node without a pod drops connections until its health check fails{beside}");
            outcome.find_as(severity, &external, &message);
        }
        check_internal(service, &rolled, outcome);
    }
}

fn check_internal(service: &Service<'_>, rolled: &[&Workload<'_>], outcome: &mut Outcome) {
    let internal = service.spec.get("internalTrafficPolicy");
    // An agent on each node is what the policy is for.
    if internal.is("Local") && rolled.iter().all(|workload| workload.kind() != Kind::DaemonSet) {
        let message = "clients on a node without a pod get nothing";
        outcome.find(&internal, message);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    fn with(policy: &str, container: &str) -> String {
        let service = format!("  type: LoadBalancer\n  {policy}\n  selector:");
        shop("", "", container).replace("  selector:", &service)
    }

    #[test]
    fn only_the_pods_of_a_node() {
        let text = with("externalTrafficPolicy: Local", "");
        let expected = "warning spec.externalTrafficPolicy @ externalTrafficPolicy: Local";
        assert_eq!(found("local-traffic-policy", &text), [expected]);
        let waits = with("externalTrafficPolicy: Local", "lifecycle: {preStop: {sleep: {seconds: 20}}}");
        assert!(found("local-traffic-policy", &waits)[0].starts_with("note"));
        assert!(holds("local-traffic-policy", &with("externalTrafficPolicy: Cluster", "")));
        assert!(holds("local-traffic-policy", &text.replace("type: LoadBalancer", "type: ClusterIP")));
    }

    #[test]
    fn agents_on_each_node_are_what_it_is_for() {
        let text = with("internalTrafficPolicy: Local", "");
        assert_eq!(found("local-traffic-policy", &text).len(), 1);
        assert!(holds("local-traffic-policy", &text.replace("kind: Deployment", "kind: DaemonSet")));
    }
}
