//! gRPC behind a Service, which balances connections and not calls.

use super::prelude::*;
use crate::service::{Service, ServicePort};

pub(super) const RULE: Rule = Rule {
    name: "long-lived-streams",
    cause: "long-lived-streams",
    clears: false,
    severity: Severity::Note,
    field: "spec.ports[*]",
    says: "gRPC behind a Service, which balances connections",
    why: "One connection carries all calls of a client and stays with its pod. Calls in flight end with the pod, and new pods \
          get nothing until clients connect again.",
    fix: "Close connections in turn (`MAX_CONNECTION_AGE`) and on SIGTERM with GOAWAY; let clients try again; or balance calls, \
          in the client or in a mesh.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        // One pod, or that of the client's own node, has all calls in any case.
        let several = served.replicas.least.is_none_or(|least| least > 1);
        let local = |service: &Service<'_>| service.spec.get("internalTrafficPolicy").is("Local");
        let balanced = |service: &&&Service<'_>| several && !service.is_headless() && !local(service);
        for service in served.services.iter().filter(balanced) {
            for port in service.ports.iter().filter(|port| is_grpc(port)) {
                let message = format!("the calls of a client of {} stay with one pod", served.workload.object.named);
                outcome.find(&port.field, &message);
            }
        }
    }
}

fn is_grpc(port: &ServicePort<'_>) -> bool {
    let protocol = port.field.get("appProtocol").text().unwrap_or_default();
    matches!(protocol, "grpc" | "h2c" | "kubernetes.io/h2c") || port.name.is_some_and(|name| name.starts_with("grpc"))
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, shop};

    #[test]
    fn calls_that_stay_with_a_pod() {
        let text =
            shop("replicas: 2", "", "").replace("  ports: [{name: http, port: 80", "  ports: [{name: grpc, port: 80");
        let expected = "note spec.ports[0] @ ports: [{name: grpc, port: 80, targetPort: http}]";
        assert_eq!(found("long-lived-streams", &text), [expected]);
        assert_eq!(found("long-lived-streams", &shop("replicas: 2", "", "")), [""; 0]);
        assert_eq!(found("long-lived-streams", &text.replace("replicas: 2", "replicas: 1")), [""; 0]);
        assert_eq!(
            found("long-lived-streams", &text.replace("  selector:", "  clusterIP: None\n  selector:")),
            [""; 0]
        );
    }
}
