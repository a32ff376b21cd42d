//! Pods that end before a load balancer has let go of them.

use super::aws::{annotations, targets_pods};
use super::prelude::*;
use crate::manifests::Served;

/// The preStop sleep under which an ALB still sends requests to a pod that ends, in seconds.
const ENOUGH: f64 = 10.0;

pub(super) const RULE: Rule = Rule {
    name: "deregistration-lag",
    cause: "deregistration-lag",
    clears: true,
    severity: Severity::Warning,
    field: "metadata.annotations",
    says: "pods end before their load balancer has let go of them",
    why: "A load balancer of a cloud hears of a pod's end seconds to minutes later, and answers 502 or 504 for what it sends \
          there meanwhile.",
    fix: "Sleep in preStop for as long as the load balancer takes; drain for no longer than the grace period.",
    scenario: Some("elb-deregistration-lag.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        check_aws(manifests, &served, outcome);
        check_azure(manifests, &served, outcome);
    }
}

fn check_aws(manifests: &Manifests<'_>, served: &Served<'_, '_>, outcome: &mut Outcome) {
    let Some(target) = targets_pods(manifests, served) else { return };
    outcome.checked(served.workload.object);
    for container in served.answering() {
        let Some(hook) = container.pre_stop() else { continue };
        if let Some(seconds) = hook.seconds.filter(|seconds| *seconds < ENOUGH) {
            let message =
                format!("a preStop hook of {seconds} s is short for a load balancer of AWS, which takes 10 s or more");
            outcome.find_served(served, Severity::Warning, &hook.field, &message);
        }
    }
    let of = annotations(target.object());
    let names = [
        "alb.ingress.kubernetes.io/target-group-attributes",
        "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes",
    ];
    for field in names.map(|name| of.get(name)) {
        let text = field.text().unwrap_or_default();
        let Some((_, rest)) = text.split_once("deregistration_delay.timeout_seconds=") else { continue };
        let delay: Option<i64> = rest.split(',').next().and_then(|number| number.trim().parse().ok());
        let grace = served.workload.grace();
        if let Some(delay) = delay.filter(|delay| *delay > grace) {
            let message = format!("drains for {delay} s, and the pods have a grace period of {grace} s");
            outcome.find(&field, &message);
        }
    }
}

fn check_azure(manifests: &Manifests<'_>, served: &Served<'_, '_>, outcome: &mut Outcome) {
    for backend in served.services.iter().flat_map(|service| manifests.routes_to(service)) {
        let annotations = annotations(backend.object);
        let class = Field::root(backend.object).dig("spec.ingressClassName");
        let class = if class.is_there() { class } else { annotations.get("kubernetes.io/ingress.class") };
        if !matches!(class.text(), Some("azure/application-gateway" | "azure-application-gateway")) {
            continue;
        }
        outcome.checked(served.workload.object);
        let draining = annotations.get("appgw.ingress.kubernetes.io/connection-draining");
        if !draining.is_true() {
            outcome.find(&draining, "the Application Gateway does not drain connections of pods that end");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    fn ingress(annotations: &str, class: &str) -> String {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop\n  annotations:\n    {annotations}\n\
             spec:\n  ingressClassName: {class}\n  defaultBackend: {{service: {{name: shop, port: {{number: 80}}}}}}\n"
        )
    }

    #[test]
    fn an_alb_that_hears_late() {
        let hook = "lifecycle:\n  preStop:\n    sleep: {seconds: 5}";
        let alb = "alb.ingress.kubernetes.io/target-type: ip";
        let text = shop("", "", hook) + &ingress(alb, "alb");
        let expected = "warning spec.template.spec.containers[0].lifecycle.preStop @ preStop:";
        assert_eq!(found("deregistration-lag", &text), [expected]);
        assert!(holds("deregistration-lag", &text.replace("seconds: 5", "seconds: 15")));
        let attributes = "alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=300";
        let text = shop("", "", "") + &ingress(&format!("{alb}\n    {attributes}"), "alb");
        assert_eq!(found("deregistration-lag", &text).len(), 1);
        assert!(holds("deregistration-lag", &text.replace("=300", "=20")));
    }

    #[test]
    fn an_application_gateway_that_does_not_drain() {
        let text = |drains: &str| {
            let drains = format!("appgw.ingress.kubernetes.io/connection-draining: \"{drains}\"");
            shop("", "", "") + &ingress(&drains, "azure-application-gateway")
        };
        assert_eq!(found("deregistration-lag", &text("false")).len(), 1);
        assert!(holds("deregistration-lag", &text("true")));
    }
}
