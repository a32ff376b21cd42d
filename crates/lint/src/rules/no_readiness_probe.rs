//! A container that a Service sends requests to, without a readiness probe.

use serde_json::json;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "no-readiness-probe",
    cause: "ready-too-early",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].readinessProbe",
    says: "no readiness probe on a container that a Service sends requests to",
    why: "Without one a pod counts as ready as soon as its process runs. It gets requests before it listens, and old pods \
          end before it can serve.",
    fix: "Add a `readinessProbe` that succeeds once the program can answer.",
    scenario: Some("no-readiness-probe.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        outcome.checked(served.workload.object);
        for container in served.answering().filter(|container| container.readiness().is_none()) {
            let name = container.name;
            let started = container.startup().is_some();
            let severity = if started { Severity::Note } else { served.severity() };
            let message = if started {
                format!("container `{name}` has no readiness probe: ready since its startupProbe, whatever comes later")
            } else {
                let by = served.by_which(container);
                format!("container `{name}` has no readiness probe: requests of {by} may come before it can answer")
            };
            let field = container.field.get("readinessProbe");
            let finding = outcome.find_served(&served, severity, &field, &message);
            // What is asked for liveness is a beginning.
            if let Some(liveness) = container.liveness() {
                let how = ["httpGet", "tcpSocket", "exec", "grpc"];
                let handler = how
                    .into_iter()
                    .find_map(|how| Some((how, liveness.field.get(how))).filter(|(_, handler)| handler.is_there()));
                if let Some((how, handler)) = handler {
                    let probe = json!({how: handler.to_json(), "periodSeconds": 3, "timeoutSeconds": 3});
                    finding.mend(served.workload.patch_container(container, json!({"readinessProbe": probe})));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, found, holds, shop};

    #[test]
    fn ready_before_it_listens() {
        let expected = "warning spec.template.spec.containers[0].readinessProbe @ - name: web";
        assert_eq!(found("no-readiness-probe", &shop("", "", "")), [expected]);
        let started = shop("", "", "startupProbe: {tcpSocket: {port: http}}");
        assert!(found("no-readiness-probe", &started)[0].starts_with("note"));
        assert!(holds("no-readiness-probe", &shop("", "", "readinessProbe: {httpGet: {path: /, port: http}}")));
    }

    #[test]
    fn a_probe_without_an_action_is_none() {
        assert_eq!(found("no-readiness-probe", &shop("", "", "readinessProbe: {periodSeconds: 3}")).len(), 1);
    }

    #[test]
    fn the_patch_asks_what_liveness_asks() {
        let patch = |container: &str| findings("no-readiness-probe", &shop("", "", container))[0].patch.clone();
        assert_eq!(patch(""), None);
        let patch = patch("livenessProbe: {httpGet: {path: /healthz, port: http}}").unwrap();
        let probe = &patch["spec"]["template"]["spec"]["containers"][0]["readinessProbe"];
        assert_eq!(probe["httpGet"]["path"], "/healthz");
    }

    #[test]
    fn only_containers_that_answer() {
        let text = shop("", "", "readinessProbe: {httpGet: {path: /, port: http}}");
        let text = text.replace("---\napiVersion: v1", "      - name: log-shipper\n---\napiVersion: v1");
        assert!(holds("no-readiness-probe", &text));
        let text =
            text.replace("- name: log-shipper", "- {name: exporter, ports: [{name: metrics, containerPort: 9}]}");
        let text =
            text.replace("targetPort: http}]", "targetPort: http}, {name: metrics, port: 9, targetPort: metrics}]");
        assert!(holds("no-readiness-probe", &text));
    }
}
