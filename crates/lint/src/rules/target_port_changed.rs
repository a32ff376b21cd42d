//! A Service whose new target port the old pods do not have.

use super::prelude::*;
use crate::service::{Service, ServicePort};

pub(super) const RULE: Rule = Rule {
    name: "target-port-changed",
    cause: "target-port-change",
    clears: true,
    severity: Severity::Error,
    field: "spec.ports[*].targetPort",
    says: "the upgrade changes a targetPort to one that the old pods do not have",
    why: "helm writes the Service before the Deployment. From then on connections go to a port on which the old pods do not \
          listen, and are refused until new pods are ready.",
    fix: "Name the port: a name stands for each pod's own number. Or listen on both ports for one release.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for service in &manifests.services {
        let Some(old) = before.same_service(service) else { continue };
        let pods = before.selected_by(old);
        let containers = || pods.iter().flat_map(|workload| &workload.containers);
        if containers().next().is_none() {
            continue;
        }
        outcome.checked(service.object);
        for port in &service.ports {
            let Some(was) = same_port(old, port).and_then(|was| was.target) else { continue };
            let Some(target) = port.target.filter(|target| *target != was) else { continue };
            if containers().any(|container| container.answers(port)) {
                continue;
            }
            // A port may be open without being declared.
            let declare = port.target_name().is_some() || containers().any(|container| !container.ports.is_empty());
            let severity = if declare { Severity::Error } else { Severity::Warning };
            let stated = port.field.get("targetPort");
            let field = if stated.is_there() { stated } else { port.field.get("port") };
            let message =
                format!("changes from `{was}` to `{target}`, which the pods of the release before do not have");
            outcome.find_as(severity, &field, &message);
        }
    }
}

/// The port of `old` that clients use as they will use `port`.
fn same_port<'s, 'a>(old: &'s Service<'a>, port: &ServicePort<'_>) -> Option<&'s ServicePort<'a>> {
    old.ports.iter().find(|one| one.number == port.number && one.protocol == port.protocol)
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn a_port_that_only_new_pods_have() {
        let before = shop("", "", "").replace("targetPort: http", "targetPort: 8080");
        let after = before.replace("8080", "9090");
        let expected = "error spec.ports[0].targetPort @ ports: [{name: http, port: 80, targetPort: 9090}]";
        assert_eq!(found_between("target-port-changed", &before, &after), [expected]);
        let named = shop("", "", "");
        assert_eq!(found_between("target-port-changed", &named, &named.replace("8080", "9090")), [""; 0]);
        assert_eq!(found_between("target-port-changed", &before, &named), [""; 0], "old pods have the name already");
        let bare = before.replace("ports: [{name: http, containerPort: 8080}]", "");
        assert!(found_between("target-port-changed", &bare, &bare.replace("8080", "9090"))[0].starts_with("warning"));
    }
}
