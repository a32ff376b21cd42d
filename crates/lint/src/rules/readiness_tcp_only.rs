//! A readiness probe of an HTTP server that only opens its port.

use super::prelude::*;
use crate::container::Container;
use crate::service::ServicePort;

pub(super) const RULE: Rule = Rule {
    name: "readiness-tcp-only",
    cause: "ready-too-early",
    clears: false,
    severity: Severity::Note,
    field: "spec.template.spec.containers[*].readinessProbe.tcpSocket",
    says: "the readiness probe of an HTTP server only opens its port",
    why: "Many programs listen before they can answer. The probe succeeds, and the first requests get errors.",
    fix: "Ask with `httpGet` for a path that succeeds once the program can serve.",
    scenario: Some("lying-readiness-probe.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let ports: Vec<_> = served.services.iter().flat_map(|service| &service.ports).collect();
        for container in served.answering() {
            let Some(probe) = container.readiness() else { continue };
            outcome.checked(served.workload.object);
            let field = probe.field.get("tcpSocket");
            if field.is_there() && speaks_http(container, &ports) {
                let message =
                    format!("container `{}` serves HTTP, and its readiness probe only opens the port", container.name);
                outcome.find_served(&served, Severity::Note, &field, &message);
            }
        }
    }
}

/// Whether a port that leads to the container is one of HTTP by its name or protocol.
fn speaks_http(container: &Container<'_>, ports: &[&ServicePort<'_>]) -> bool {
    let is = |name: Option<&str>| {
        name.is_some_and(|name| matches!(name, "http" | "https" | "web") || name.starts_with("http-"))
    };
    ports.iter().any(|port| {
        container.answers(port) && (is(port.name) || is(port.target_name()) || is(port.field.get("appProtocol").text()))
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn an_open_port_is_no_answer() {
        let text = shop("", "", "readinessProbe:\n  tcpSocket: {port: http}");
        let expected = "note spec.template.spec.containers[0].readinessProbe.tcpSocket @ tcpSocket: {port: http}";
        assert_eq!(found("readiness-tcp-only", &text), [expected]);
        let database = text.replace("http", "postgres");
        assert!(holds("readiness-tcp-only", &database), "nothing says that it speaks HTTP");
        assert!(holds("readiness-tcp-only", &shop("", "", "readinessProbe: {httpGet: {path: /, port: http}}")));
    }
}
