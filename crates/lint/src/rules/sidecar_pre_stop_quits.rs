//! A native sidecar whose preStop hook stops it while the program still needs it.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "sidecar-pre-stop-quits",
    cause: "sidecar-stops-first",
    clears: false,
    severity: Severity::Warning,
    field: "spec.template.spec.initContainers[*].lifecycle.preStop",
    says: "a native sidecar that its own preStop hook stops before the program",
    why: "Only SIGTERM waits until the other containers have ended. The preStop hook of a native sidecar runs as soon as \
          the pod is told to stop, at the same time as theirs.",
    fix: "Leave the hook out: the sidecar gets SIGTERM when the program has ended.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    const ENDS: [&str; 6] = ["quit", "shutdown", "stop", "kill", "exit", "drain"];
    for workload in manifests.workloads.iter().filter(|workload| workload.is_rolled()) {
        let waits = workload.main_containers().filter_map(|main| main.pre_stop()?.seconds).fold(0.0, f64::max);
        for sidecar in workload.containers.iter().filter(|container| container.native_sidecar) {
            outcome.checked(workload.object);
            let Some(hook) = sidecar.pre_stop() else { continue };
            let path = hook.field.dig("httpGet.path").text().unwrap_or_default();
            let does = format!("{} {path}", hook.command.join(" "));
            let late = hook.seconds.is_some_and(|seconds| seconds >= waits);
            if ENDS.iter().any(|word| does.contains(word)) && !late {
                let message = format!(
                    "the preStop hook of the native sidecar `{}` runs at once and may stop it before the program",
                    sidecar.name
                );
                outcome.find(&hook.field, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    fn with(hook: &str) -> String {
        let sidecar =
            format!("initContainers:\n- name: proxy\n  restartPolicy: Always\n  lifecycle:\n    preStop: {hook}");
        shop("", &sidecar, "lifecycle: {preStop: {sleep: {seconds: 9}}}")
    }

    #[test]
    fn a_hook_that_ends_the_sidecar() {
        let text = with("{exec: {command: [curl, -X, POST, localhost/quitquitquit]}}");
        let expected = "warning spec.template.spec.initContainers[0].lifecycle.preStop @ preStop: {exec: {command: [curl, \
                        -X, POST, localhost/quitquitquit]}}";
        assert_eq!(found("sidecar-pre-stop-quits", &text), [expected]);
        assert!(holds("sidecar-pre-stop-quits", &with("{exec: {command: [sh, -c, sleep 10; quit]}}")));
        assert!(holds("sidecar-pre-stop-quits", &with("{sleep: {seconds: 3}}")));
        assert_eq!(found("sidecar-pre-stop-quits", &text.replace("Always", "OnFailure")), [""; 0]);
    }
}
