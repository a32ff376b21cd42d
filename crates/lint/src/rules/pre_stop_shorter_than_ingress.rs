//! A preStop sleep that ends before ingress-nginx has a new list of pods.

use serde_json::json;

use super::prelude::*;

/// The time after which ingress-nginx has a new list, in seconds: its limit of syncs and the poll of its workers.
const ENOUGH: f64 = 5.0;

pub(super) const RULE: Rule = Rule {
    name: "pre-stop-shorter-than-ingress",
    cause: "stale-upstreams",
    clears: true,
    severity: Severity::Note,
    field: "spec.template.spec.containers[*].lifecycle.preStop",
    says: "a preStop hook of less than 5 s behind ingress-nginx",
    why: "ingress-nginx takes a new list of pods every 3.3 s at most, and up to 1 s more to load it. Until then it sends \
          requests to pods that have stopped; what it may not repeat fails with 502.",
    fix: "Sleep for 5 to 10 s in preStop.",
    scenario: Some("ingress-holds-a-stale-list.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let routes = served.services.iter().flat_map(|service| manifests.routes_to(service));
        let mut routes = routes.filter(|backend| backend.object.kind == Kind::Ingress);
        if !routes.any(|backend| is_nginx(backend.object)) {
            continue;
        }
        for container in served.answering() {
            let Some(hook) = container.pre_stop() else { continue };
            outcome.checked(served.workload.object);
            if let Some(seconds) = hook.seconds.filter(|seconds| *seconds < ENOUGH) {
                let message = format!("a preStop hook of {seconds} s ends before ingress-nginx has a new list of pods");
                let finding = outcome.find_served(&served, Severity::Note, &hook.field, &message);
                if hook.field.get("sleep").is_there() {
                    let patch = json!({"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}});
                    finding.mend(served.workload.patch_container(container, patch));
                }
            }
        }
    }
}

fn is_nginx(ingress: &crate::object::Object) -> bool {
    let root = Field::root(ingress);
    let old = root.dig("metadata.annotations").get("kubernetes.io/ingress.class");
    root.dig("spec.ingressClassName").is("nginx") || old.is("nginx")
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_short_sleep_behind_an_ingress() {
        let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec:\n  \
                       ingressClassName: nginx\n  defaultBackend: {service: {name: shop, port: {number: 80}}}\n";
        let text = shop("", "", "lifecycle:\n  preStop:\n    sleep: {seconds: 2}") + ingress;
        let expected = "note spec.template.spec.containers[0].lifecycle.preStop @ preStop:";
        assert_eq!(found("pre-stop-shorter-than-ingress", &text), [expected]);
        assert!(holds("pre-stop-shorter-than-ingress", &text.replace("seconds: 2", "seconds: 5")));
        assert_eq!(found("pre-stop-shorter-than-ingress", &text.replace("nginx", "traefik")), [""; 0]);
    }
}
