//! A shell or package manager as process 1, which does not pass SIGTERM on.

use super::prelude::*;
use crate::shell::{base, keeps_signals};

pub(super) const RULE: Rule = Rule {
    name: "shell-as-process-one",
    cause: "sigterm-ignored",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].command",
    says: "a shell stays process 1 and does not pass SIGTERM on",
    why: "SIGTERM goes to process 1. A shell that waits for its child neither ends nor passes the signal on, so the \
          program serves until SIGKILL cuts its requests at the end of the grace period.",
    fix: "Start the program with `exec`, or under `tini` or `dumb-init`. Add a preStop sleep at the same time: the pod \
          will then stop at once where it lingered before.",
    scenario: Some("deaf-to-sigterm.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        if served.workload.pod.get("shareProcessNamespace").is_true() {
            continue;
        }
        for container in served.answering() {
            let command = container.command();
            let Some(program) = command.first() else { continue };
            outcome.checked(served.workload.object);
            let field = container.field.get("command");
            let name = container.name;
            if keeps_signals(&command) {
                let message = format!(
                    "container `{name}` starts its program from a script in `{program}` without `exec`: SIGTERM may not \
                     reach it"
                );
                outcome.find_served(&served, served.severity(), &field, &message);
            } else if matches!(base(program), "npm" | "yarn" | "pnpm") {
                let message = format!("container `{name}` starts with `{program}`, which may not pass SIGTERM on");
                outcome.find_served(&served, Severity::Note, &field, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn a_script_without_exec() {
        let text = shop("", "", "command: [sh, -c]\nargs:\n- prepare && serve");
        let expected = "warning spec.template.spec.containers[0].command @ command: [sh, -c]";
        assert_eq!(found("shell-as-process-one", &text), [expected]);
        assert!(holds("shell-as-process-one", &text.replace("serve", "exec serve")));
        let shared = shop("", "shareProcessNamespace: true", "command: [sh, -c, prepare && serve]");
        assert_eq!(found("shell-as-process-one", &shared), [""; 0]);
        assert!(found("shell-as-process-one", &shop("", "", "command: [npm, start]"))[0].starts_with("note"));
        assert!(holds("shell-as-process-one", &shop("", "", "command: [/app/server]")));
    }
}
