//! A program that starts before its mesh sidecar is ready.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "mesh-not-held",
    cause: "sidecar-not-ready",
    clears: true,
    severity: Severity::Note,
    field: "spec.template.metadata.annotations[\"proxy.istio.io/config\"]",
    says: "an injected istio-proxy that the program does not wait for",
    why: "Unless Istio injects native sidecars, program and proxy start together. Until the proxy is ready, what the program \
          asks of others fails.",
    fix: "Set `holdApplicationUntilProxyStarts: true` in the annotation `proxy.istio.io/config`, or use native sidecars.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    const INJECT: &str = "sidecar.istio.io/inject";
    for served in manifests.served() {
        let label = served.workload.template.dig("metadata.labels").get(INJECT);
        let asked = [served.workload.annotation(INJECT), label].into_iter().find(Field::is_true);
        let Some(field) = asked else { continue };
        outcome.checked(served.workload.object);
        let config = served.workload.annotation("proxy.istio.io/config").text().unwrap_or_default();
        if !config.contains("holdApplicationUntilProxyStarts") {
            let message = "the program may start before the istio-proxy that is injected beside it";
            outcome.find_served(&served, Severity::Note, &field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn an_injected_proxy() {
        let with = |more: &str| {
            let labels = format!(
                "metadata:\n      labels:\n        app: shop\n        sidecar.istio.io/inject: \"true\"\n{more}"
            );
            shop("", "", "").replace("metadata: {labels: {app: shop}}\n", &labels)
        };
        let expected =
            "note spec.template.metadata.labels[\"sidecar.istio.io/inject\"] @ sidecar.istio.io/inject: \"true\"";
        assert_eq!(found("mesh-not-held", &with("")), [expected]);
        let held = "      annotations: {proxy.istio.io/config: '{\"holdApplicationUntilProxyStarts\": true}'}\n";
        assert!(holds("mesh-not-held", &with(held)));
        assert_eq!(found("mesh-not-held", &shop("", "", "")), [""; 0]);
    }
}
