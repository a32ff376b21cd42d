//! An ingress-nginx controller that ends without waiting.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "ingress-controller-shutdown",
    cause: "ingress-rollout",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].lifecycle.preStop",
    says: "an ingress-nginx controller that ends without waiting",
    why: "Its own rollout concerns all hosts. Without a wait the load balancer in front of it still sends connections to a \
          controller that has stopped.",
    fix: "Give it the preStop hook `/wait-shutdown` or the flag `--shutdown-grace-period`, and a grace period longer than its \
          `worker-shutdown-timeout` (240 s).",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        for container in workload.main_containers().filter(|container| container.image().is_ingress_nginx()) {
            outcome.checked(workload.object);
            let flags = container.field.get("args").texts();
            let waits = flags.iter().any(|flag| flag.contains("shutdown-grace-period"));
            if container.pre_stop().is_none() && !waits {
                let message = format!("the controller `{}` ends as soon as it is told to", container.name);
                outcome.find(&container.field.dig("lifecycle.preStop"), &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_controller_that_does_not_wait() {
        let with = |container: &str| {
            shop("", "", container).replace("example.com/shop:1.2", "registry.k8s.io/ingress-nginx/controller:v1.11.2")
        };
        let expected = "warning spec.template.spec.containers[0].lifecycle.preStop @ - name: web";
        assert_eq!(found("ingress-controller-shutdown", &with("")), [expected]);
        assert!(holds(
            "ingress-controller-shutdown",
            &with("lifecycle: {preStop: {exec: {command: [/wait-shutdown]}}}")
        ));
        assert!(holds("ingress-controller-shutdown", &with("args: [--shutdown-grace-period=30]")));
        assert_eq!(found("ingress-controller-shutdown", &shop("", "", "")), [""; 0]);
    }
}
