//! A container that a Service sends requests to, without a preStop hook.

use serde_json::json;

use super::prelude::*;

/// The sleep that the patch puts in, in seconds.
const SLEEP: i64 = 10;

pub(super) const RULE: Rule = Rule {
    name: "no-pre-stop",
    cause: "endpoint-race",
    clears: true,
    severity: Severity::Warning,
    field: "spec.template.spec.containers[*].lifecycle.preStop",
    says: "no preStop hook on a container that a Service sends requests to",
    why: "A pod is told to stop and taken off the Service at the same time. Until every node and proxy has heard of it, \
          which takes up to some seconds, new connections still go to a process that no longer listens.",
    fix: "Let the pod go on listening for some seconds: `preStop: {sleep: {seconds: 10}}` (on by default from Kubernetes \
          1.30; before that an `exec` of `sleep`), or a delay before shutdown in the program itself.",
    scenario: Some("exit-at-once.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let workload = served.workload;
        // A blue-green switch takes requests away long before the pods go.
        if !served.keeps_serving() || matches!(workload.strategy(), Strategy::BlueGreen(_)) {
            continue;
        }
        outcome.checked(workload.object);
        for container in served.answering().filter(|one| one.pre_stop().is_none() && !one.waits_itself()) {
            let field = container.field.dig("lifecycle.preStop");
            let message = format!(
                "container `{}` has no preStop hook: it gets SIGTERM while new connections of {} may still come",
                container.name,
                served.by_which(container)
            );
            let mut patch =
                workload.patch_container(container, json!({"lifecycle": {"preStop": {"sleep": {"seconds": SLEEP}}}}));
            if workload.grace() < SLEEP + 20 {
                let grace = workload.patch_pod(&json!({"terminationGracePeriodSeconds": SLEEP + 30}));
                patch::merge(&mut patch, grace);
            }
            outcome.find_served(&served, served.severity(), &field, &message).mend(patch);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, found, holds, shop};

    #[test]
    fn a_served_container_without_a_hook() {
        let expected = "warning spec.template.spec.containers[0].lifecycle.preStop @ - name: web";
        assert_eq!(found("no-pre-stop", &shop("", "", "")), [expected]);
        let with_post_start = shop("", "", "lifecycle:\n  postStart: {exec: {command: [\"true\"]}}");
        let expected = "warning spec.template.spec.containers[0].lifecycle.preStop @ lifecycle:";
        assert_eq!(found("no-pre-stop", &with_post_start), [expected]);
    }

    #[test]
    fn the_patch_leaves_time_after_the_sleep() {
        let grace = |pod: &str| {
            let patch = findings("no-pre-stop", &shop("", pod, ""))[0].patch.clone().unwrap();
            patch["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_i64()
        };
        assert_eq!(grace(""), None, "30 s leave 20");
        assert_eq!(grace("terminationGracePeriodSeconds: 15"), Some(40));
    }

    #[test]
    fn a_hook_is_fine() {
        assert!(holds("no-pre-stop", &shop("", "", "lifecycle: {preStop: {sleep: {seconds: 5}}}")));
    }

    #[test]
    fn what_gets_no_requests_needs_no_hook() {
        for (from, to) in [
            ("selector: {app: shop}", "selector: {app: other}"),
            ("{name: http, port: 80", "{name: metrics, port: 80"),
            ("kind: Deployment", "kind: Job"),
            ("spec:\n  template:", "spec:\n  replicas: 0\n  template:"),
            ("spec:\n  template:", "spec:\n  strategy: {type: Recreate}\n  template:"),
        ] {
            let text = shop("", "", "").replacen(from, to, 1);
            assert_eq!(found("no-pre-stop", &text), [""; 0], "{to}");
        }
    }

    #[test]
    fn without_any_service_it_is_a_note_that_says_so() {
        let text = shop("", "", "");
        let alone = &text[..text.find("---").unwrap()];
        let findings = findings("no-pre-stop", alone);
        assert_eq!(findings[0].severity.name(), "note");
        assert!(findings[0].message.contains("the input has no Service"), "{}", findings[0].message);
        assert_eq!(found("no-pre-stop", &alone.replace("ports:", "prots:")), [""; 0], "a worker listens to nothing");
    }

    #[test]
    fn peers_of_a_stateful_set_are_no_clients() {
        let text = shop("replicas: 3", "", "").replace("kind: Deployment", "kind: StatefulSet");
        assert_eq!(found("no-pre-stop", &text).len(), 1);
        assert!(found("no-pre-stop", &text)[0].starts_with("note"));
        assert_eq!(
            found("no-pre-stop", &text.replace("spec:\n  selector", "spec:\n  clusterIP: None\n  selector")),
            [""; 0]
        );
    }
}
