//! A liveness probe that gives a program little time to start.

use serde_json::json;

use super::prelude::*;
use crate::container::Probe;

/// The time to start under which it is a warning, and under which it is a note, in seconds.
const SHORT: [i64; 2] = [10, 15];
/// The same for a Java virtual machine.
const SHORT_FOR_JAVA: [i64; 2] = [20, 45];

pub(super) const RULE: Rule = Rule {
    name: "liveness-without-startup",
    cause: "liveness-kills",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].startupProbe",
    says: "a liveness probe leaves little time to start, and there is no startupProbe",
    why: "On a busy node, and a rollout makes nodes busy, a program starts slower than usual. The liveness probe then kills \
          it again and again, and the rollout never ends.",
    fix: "Add a `startupProbe` that asks the same and has patience: liveness waits for it.",
    scenario: Some("liveness-kills-slow-starters.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        for container in served.answering() {
            let Some(liveness) = container.liveness() else { continue };
            outcome.checked(served.workload.object);
            let [warning, note] = if container.image().is_java() { SHORT_FOR_JAVA } else { SHORT };
            let time = time_to_start(&liveness);
            if container.startup().is_some() || time >= note {
                continue;
            }
            let severity = if time < warning { served.severity() } else { Severity::Note };
            let message = format!("container `{}` is killed if it has not started within {time} s", container.name);
            let field = container.field.get("startupProbe");
            let finding = outcome.find_served(&served, severity, &field, &message);
            let mut probe = liveness.field.to_json();
            if let Some(fields) = probe.as_object_mut() {
                fields.retain(|key, _| {
                    matches!(key.as_str(), "httpGet" | "tcpSocket" | "exec" | "grpc" | "timeoutSeconds")
                });
                fields.insert("periodSeconds".to_owned(), json!(2));
                fields.insert("failureThreshold".to_owned(), json!(60));
                finding.mend(served.workload.patch_container(container, json!({"startupProbe": probe})));
            }
        }
    }
}

/// The seconds after which a container that never answers is killed.
fn time_to_start(liveness: &Probe<'_>) -> i64 {
    liveness.initial_delay() + liveness.period() * (liveness.failure_threshold() - 1) + liveness.timeout()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, found, holds, shop};

    #[test]
    fn little_time_to_start() {
        let text = shop("", "", "livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 4}");
        let expected = "warning spec.template.spec.containers[0].startupProbe @ - name: web";
        assert_eq!(found("liveness-without-startup", &text), [expected]);
        assert!(findings("liveness-without-startup", &text)[0].message.contains("within 9 s"));
        assert!(holds("liveness-without-startup", &text.replace("periodSeconds: 4", "initialDelaySeconds: 10")));
        assert!(holds("liveness-without-startup", &text.replace(", periodSeconds: 4", "")));
        assert!(found("liveness-without-startup", &text.replace(": 4", ": 5"))[0].starts_with("note"));
        let java = text.replace(", periodSeconds: 4", "").replace("example.com/shop:1.2", "eclipse-temurin:21");
        assert_eq!(found("liveness-without-startup", &java).len(), 1);
    }

    #[test]
    fn the_patch_asks_what_liveness_asks() {
        let text = shop("", "", "livenessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1, failureThreshold: 2}");
        let patch = findings("liveness-without-startup", &text)[0].patch.clone().unwrap();
        let probe = &patch["spec"]["template"]["spec"]["containers"][0]["startupProbe"];
        let expected =
            serde_json::json!({"httpGet": {"path": "/", "port": 80}, "periodSeconds": 2, "failureThreshold": 60});
        assert_eq!(*probe, expected);
    }
}
