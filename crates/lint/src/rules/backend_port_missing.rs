//! An Ingress or a route to a port that its Service does not have.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "backend-port-missing",
    cause: "target-port-change",
    clears: false,
    severity: Severity::Error,
    field: "spec.rules[*].http.paths[*].backend.service.port",
    says: "an Ingress or a route leads to a port that its Service does not have",
    why: "The ingress has no endpoints for it and answers 503, or 500 for a route.",
    fix: "Name a port of the Service.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for service in &manifests.services {
        for backend in manifests.routes_to(service) {
            // The load balancer controller of AWS has a port that is none.
            let Some(port) = backend.port.text().filter(|port| *port != "use-annotation") else { continue };
            outcome.checked(backend.object);
            let number = port.parse::<i64>().ok();
            let has =
                service.ports.iter().any(|one| one.name == Some(port) || (number.is_some() && one.number == number));
            if !has && !service.ports.is_empty() {
                let message = format!("Service `{}` has no port `{port}`", service.object.named.name);
                outcome.find(&backend.port, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SERVICE, found, holds};

    #[test]
    fn a_port_that_the_service_does_not_have() {
        let with = |port: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop}}\nspec:\n  rules:\n  - http:\n      \
                 paths:\n      - backend:\n          service:\n            name: shop\n            port: {port}\n{SERVICE}"
            )
        };
        let expected = "error spec.rules[0].http.paths[0].backend.service.port.number @ port: {number: 8080}";
        assert_eq!(found("backend-port-missing", &with("{number: 8080}")), [expected]);
        assert!(holds("backend-port-missing", &with("{number: 80}")));
        assert!(holds("backend-port-missing", &with("{name: http}")));
        assert_eq!(found("backend-port-missing", &with("{name: use-annotation}")), [""; 0]);
        let elsewhere = with("{number: 8080}").replace("name: shop\n            port", "name: other\n            port");
        assert_eq!(found("backend-port-missing", &elsewhere), [""; 0]);
    }

    #[test]
    fn a_route() {
        let route = format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: shop}}\nspec:\n  rules:\n  - \
             backendRefs:\n    - {{name: shop, port: 81}}\n{SERVICE}"
        );
        let expected = "error spec.rules[0].backendRefs[0].port @ - {name: shop, port: 81}";
        assert_eq!(found("backend-port-missing", &route), [expected]);
    }
}
