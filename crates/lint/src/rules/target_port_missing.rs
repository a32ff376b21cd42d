//! A port of a Service that no container has.

use super::prelude::*;
use crate::service::{Service, ServicePort};
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "target-port-missing",
    cause: "target-port-change",
    clears: false,
    severity: Severity::Error,
    field: "spec.ports[*].targetPort",
    says: "a Service's targetPort is no port of the pods",
    why: "A named port that no container declares has no endpoints. Connections to a number that nothing listens on are \
          refused.",
    fix: "Name a port of the containers; names go on working when the number changes.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for (service, workloads) in manifests.selections() {
        let known = workloads.iter().all(|workload| !workload.containers.is_empty());
        if workloads.is_empty() || !known {
            continue;
        }
        outcome.checked(service.object);
        for port in &service.ports {
            check_port(service, port, &workloads, outcome);
        }
    }
}

fn check_port(service: &Service<'_>, port: &ServicePort<'_>, workloads: &[&Workload<'_>], outcome: &mut Outcome) {
    let containers = || workloads.iter().flat_map(|workload| &workload.containers);
    if containers().any(|container| container.answers(port)) {
        return;
    }
    let stated = port.field.get("targetPort");
    let field = if stated.is_there() { stated } else { port.field.get("port") };
    let of = &workloads[0].object.named;
    if let Some(name) = port.target_name() {
        let same = containers().flat_map(|container| &container.ports).find(|declared| declared.name == Some(name));
        let message = match same {
            Some(declared) => {
                format!("`{name}` is a port for {} of {of}, and here it is for {}", declared.protocol, port.protocol)
            }
            None => format!("no container of {of} has a port `{name}`: this port has no endpoints"),
        };
        outcome.find(&field, &message);
    } else if let Some(number) = port.target_number() {
        // Declarations are only information, but where there are some, others may be a slip.
        let declare = workloads.iter().all(|workload| workload.containers.iter().any(|one| !one.ports.is_empty()));
        if declare && !service.is_headless() {
            let message = format!("the containers of {of} declare ports, and none of them is {number}");
            outcome.find_as(Severity::Note, &field, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_port_that_no_container_has() {
        let text = shop("", "", "").replace("targetPort: http}", "targetPort: web}");
        let expected = "error spec.ports[0].targetPort @ ports: [{name: http, port: 80, targetPort: web}]";
        assert_eq!(found("target-port-missing", &text), [expected]);
        let other = shop("", "", "").replace("targetPort: http}", "targetPort: http, protocol: UDP}");
        assert_eq!(found("target-port-missing", &other).len(), 1, "a port is for one protocol");
    }

    #[test]
    fn numbers_need_no_declaration() {
        let with = |port: &str| shop("", "", "").replace("targetPort: http}", port);
        assert!(holds("target-port-missing", &with("targetPort: 8080}")));
        assert!(found("target-port-missing", &with("targetPort: 8081}"))[0].starts_with("note"));
        assert!(found("target-port-missing", &with("}"))[0].starts_with("note"), "80 is meant then");
        assert!(holds(
            "target-port-missing",
            &with("targetPort: 9}").replace("ports: [{name: http, containerPort: 8080}]", "")
        ));
    }

    #[test]
    fn native_sidecars_have_ports_too() {
        let pod = "initContainers: [{name: proxy, restartPolicy: Always, ports: [{name: web, containerPort: 1}]}]";
        assert!(holds("target-port-missing", &shop("", pod, "").replace("targetPort: http}", "targetPort: web}")));
    }
}
