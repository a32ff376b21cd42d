//! A proxy beside the program that gets SIGTERM at the same time as the program.

use super::prelude::*;
use crate::container::Container;
use crate::workload::Workload;

const PROXIES: [&str; 8] = [
    "istio-proxy",
    "linkerd-proxy",
    "envoy",
    "cloud-sql-proxy",
    "cloudsql-proxy",
    "oauth2-proxy",
    "daprd",
    "consul-dataplane",
];

pub(super) const RULE: Rule = Rule {
    name: "sidecar-in-containers",
    cause: "sidecar-stops-first",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*]",
    says: "a proxy among the containers, without a preStop hook of its own",
    why: "All containers of a pod get SIGTERM at once, in no order. If the proxy is gone first, requests through it fail \
          while the program is still well.",
    fix: "Make it a native sidecar, in `initContainers` with `restartPolicy: Always`: those are stopped after the others. \
          Or give it a preStop hook that takes as long as the program's.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let workload = served.workload;
        for proxy in proxies(workload) {
            outcome.checked(workload.object);
            let others: Vec<_> = workload.main_containers().filter(|other| other.name != proxy.name).collect();
            let waits = others.iter().any(|other| other.pre_stop().is_some());
            if proxy.pre_stop().is_some() || others.is_empty() {
                continue;
            }
            let severity = if waits { Severity::Warning } else { Severity::Note };
            let beside = if waits { ", and the program has a preStop hook" } else { "" };
            let message =
                format!("the proxy `{}` gets SIGTERM at the start and may stop before the program{beside}", proxy.name);
            outcome.find_served(&served, severity, &proxy.field, &message);
        }
    }
}

/// The proxies among the containers, unless the workload is one itself.
fn proxies<'m, 'a>(workload: &'m Workload<'a>) -> impl Iterator<Item = &'m Container<'a>> {
    let is_one = |name: &str| PROXIES.contains(&name) && !workload.object.name.contains(name);
    workload.main_containers().filter(move |container| is_one(container.name) || is_one(container.image().base()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    const SIDECAR: &str = "lifecycle: {preStop: {sleep: {seconds: 9}}}\n";

    fn with(sidecar: &str) -> String {
        let text = shop("", "", SIDECAR);
        text.replace("---\napiVersion: v1", &format!("      - {sidecar}\n---\napiVersion: v1"))
    }

    #[test]
    fn a_proxy_that_stops_with_the_program() {
        let text = with("{name: istio-proxy, image: proxyv2}");
        let expected = "warning spec.template.spec.containers[1] @ - {name: istio-proxy, image: proxyv2}";
        assert_eq!(found("sidecar-in-containers", &text), [expected]);
        assert!(holds("sidecar-in-containers", &with("{name: envoy, lifecycle: {preStop: {sleep: {seconds: 9}}}}")));
        assert_eq!(found("sidecar-in-containers", &with("{name: exporter}")), [""; 0]);
        let itself = with("{name: envoy}").replace("name: shop", "name: envoy-shop");
        assert_eq!(found("sidecar-in-containers", &itself), [""; 0]);
    }
}
