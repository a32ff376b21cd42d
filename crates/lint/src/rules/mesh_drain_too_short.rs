//! An istio-proxy that drains for less time than the program's preStop hook takes.

use super::prelude::*;
use crate::quantity::seconds;

const CONFIG: &str = "proxy.istio.io/config";

pub(super) const RULE: Rule = Rule {
    name: "mesh-drain-too-short",
    cause: "sidecar-stops-first",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.metadata.annotations[\"proxy.istio.io/config\"]",
    says: "istio-proxy drains for less time than the preStop hook takes",
    why: "istio-proxy ends when `terminationDrainDuration` is over, whatever the program still does. Requests that come \
          or are in flight after that fail.",
    fix: "Make `terminationDrainDuration` longer than the preStop hook and the longest request, or use native sidecars.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let field = served.workload.annotation(CONFIG);
        let config = field.text().unwrap_or_default();
        let Some(drain) = setting(config, "terminationDrainDuration").and_then(seconds) else { continue };
        outcome.checked(served.workload.object);
        let hooks = served.workload.main_containers().filter_map(|container| container.pre_stop()?.seconds);
        let longest = hooks.fold(0.0, f64::max);
        if drain < longest && !config.contains("EXIT_ON_ZERO_ACTIVE_CONNECTIONS") {
            let message = format!("istio-proxy drains for {drain} s, and the program's preStop hook takes {longest} s");
            outcome.find_served(&served, Severity::Warning, &field, &message);
        }
    }
}

/// The value of `key` in a text of YAML or JSON.
fn setting<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = config.split_once(key)?;
    let rest = rest.trim_start_matches(['"', '\'', ':', ' ']);
    rest.split(['"', '\'', ',', '}', '\n', ' ']).next()
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_drain_shorter_than_the_hook() {
        let with = |drain: &str| {
            let text = shop("", "", "lifecycle: {preStop: {sleep: {seconds: 15}}}");
            let annotation = format!(
                "metadata:\n      annotations:\n        proxy.istio.io/config: |\n          terminationDrainDuration: {drain}\n      labels: {{app: shop}}"
            );
            text.replace("metadata: {labels: {app: shop}}", &annotation)
        };
        let expected =
            "warning spec.template.metadata.annotations[\"proxy.istio.io/config\"] @ proxy.istio.io/config: |";
        assert_eq!(found("mesh-drain-too-short", &with("5s")), [expected]);
        assert!(holds("mesh-drain-too-short", &with("30s")));
        assert_eq!(found("mesh-drain-too-short", &with("soon")), [""; 0]);
    }
}
