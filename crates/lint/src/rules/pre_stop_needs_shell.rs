//! A preStop hook that runs a program which the image does not have.

use serde_json::json;

use super::prelude::*;
use crate::shell::{base, is_shell};

pub(super) const RULE: Rule = Rule {
    name: "pre-stop-needs-shell",
    cause: "pre-stop-failed",
    clears: true,
    severity: Severity::Error,
    field: "spec.template.spec.containers[*].lifecycle.preStop.exec.command",
    says: "the preStop hook runs a shell or sleep that the image does not have",
    why: "The hook fails at once, Kubernetes records an event that is easily missed, and the pod stops as if it had no \
          hook.",
    fix: "Use the action `sleep`, which needs no program (on by default from Kubernetes 1.30), or an image that has the \
          program.",
    scenario: Some("exit-at-once.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        for container in &workload.containers {
            let Some(hook) = container.pre_stop() else { continue };
            let Some(program) = hook.command.first() else { continue };
            outcome.checked(workload.object);
            let image = container.image();
            let needs = is_shell(program) || base(program) == "sleep";
            let severity = match base(program) {
                _ if needs && image.has_no_shell() => Severity::Error,
                "bash" if image.is_alpine() => Severity::Warning,
                _ => continue,
            };
            let message = format!(
                "the preStop hook runs `{program}`, which the image `{}` does not have{}",
                image.reference,
                if severity == Severity::Error { "" } else { " unless it was added" }
            );
            let finding = outcome.find_as(severity, &hook.field.dig("exec.command"), &message);
            if let Some(seconds) = hook.seconds {
                #[expect(clippy::cast_possible_truncation, reason = "a sleep is some seconds; huge ones saturate")]
                let pre_stop = json!({"exec": null, "sleep": {"seconds": seconds.ceil() as i64}});
                finding.mend(workload.patch_container(container, json!({"lifecycle": {"preStop": pre_stop}})));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_shell_in_a_distroless_image() {
        let hook = "lifecycle:\n  preStop:\n    exec:\n      command: [/bin/sh, -c, sleep 5]";
        let text = shop("", "", hook).replace("example.com/shop:1.2", "gcr.io/distroless/java17");
        let expected = "error spec.template.spec.containers[0].lifecycle.preStop.exec.command @ command: [/bin/sh, -c, \
                        sleep 5]";
        assert_eq!(found("pre-stop-needs-shell", &text), [expected]);
        assert!(holds("pre-stop-needs-shell", &text.replace("java17", "java17:debug")));
        assert!(holds("pre-stop-needs-shell", &shop("", "", hook)));
        assert!(holds("pre-stop-needs-shell", &text.replace("/bin/sh, -c, sleep 5", "/app/stop")));
    }

    #[test]
    fn bash_in_an_alpine_image() {
        let text = shop("", "", "lifecycle: {preStop: {exec: {command: [/bin/bash, -c, sleep 5]}}}");
        assert!(found("pre-stop-needs-shell", &text.replace("shop:1.2", "shop:1.2-alpine"))[0].starts_with("warning"));
    }
}
