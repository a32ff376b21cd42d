//! A preStop hook that takes the whole grace period, or nearly.

use serde_json::json;

use super::prelude::*;

/// The time that should be left for the program after the hook, in seconds.
const LEFT: f64 = 5.0;

pub(super) const RULE: Rule = Rule {
    name: "grace-shorter-than-pre-stop",
    cause: "grace-too-short",
    clears: true,
    severity: Severity::Error,
    field: "spec.template.spec.terminationGracePeriodSeconds",
    says: "the preStop hook uses up the grace period",
    why: "The grace period includes the preStop hook. When it is over the program gets SIGTERM and, 2 s later, SIGKILL: \
          what it is still answering is cut.",
    fix: "Set `terminationGracePeriodSeconds` to the hook's time plus the longest request plus a margin.",
    scenario: Some("grace-shorter-than-pre-stop.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in &manifests.workloads {
        let hooks = workload.containers.iter().filter_map(|container| Some((container, container.pre_stop()?)));
        let known = hooks.filter_map(|(container, hook)| Some((container, hook.seconds?, hook)));
        for (container, seconds, hook) in known {
            outcome.checked(workload.object);
            let grace = workload.grace();
            #[expect(clippy::cast_precision_loss, reason = "a grace period is some seconds")]
            let left = grace as f64 - seconds;
            if left >= LEFT {
                continue;
            }
            let severity = if left <= 0.0 { Severity::Error } else { Severity::Warning };
            let default = if workload.grace_field().is_absent() { ", by default" } else { "" };
            let refused = hook.field.get("sleep").is_there() && left < 0.0;
            let refused = if refused { "; the API server refuses that" } else { "" };
            let message = format!(
                "the preStop hook of container `{}` takes {seconds} s, and the grace period is {grace} s{default}{refused}",
                container.name,
            );
            let field = Some(workload.grace_field()).filter(Field::is_there).unwrap_or(hook.field);
            #[expect(clippy::cast_possible_truncation, reason = "a sleep is some seconds; huge ones saturate")]
            let enough = (seconds.ceil() as i64).saturating_add(30);
            let patch = workload.patch_pod(&json!({"terminationGracePeriodSeconds": enough}));
            outcome.find_as(severity, &field, &message).mend(patch);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, found, holds, shop};

    #[test]
    fn a_hook_longer_than_the_grace_period() {
        let long = shop("", "terminationGracePeriodSeconds: 20", "lifecycle: {preStop: {sleep: {seconds: 20}}}");
        let expected = "error spec.template.spec.terminationGracePeriodSeconds @ terminationGracePeriodSeconds: 20";
        assert_eq!(found("grace-shorter-than-pre-stop", &long), [expected]);
        let patch = findings("grace-shorter-than-pre-stop", &long)[0].patch.clone().unwrap();
        assert_eq!(patch["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 50);
    }

    #[test]
    fn without_a_grace_period_the_default_counts_and_the_hook_is_the_place() {
        let long = shop("", "", "lifecycle:\n  preStop:\n    exec: {command: [sh, -c, sleep 35]}");
        let expected = "error spec.template.spec.containers[0].lifecycle.preStop @ preStop:";
        assert_eq!(found("grace-shorter-than-pre-stop", &long), [expected]);
        let close = shop("", "", "lifecycle: {preStop: {sleep: {seconds: 28}}}");
        assert!(found("grace-shorter-than-pre-stop", &close)[0].starts_with("warning"));
    }

    #[test]
    fn enough_time_or_an_unknown_time() {
        let hold = shop("", "", "lifecycle: {preStop: {sleep: {seconds: 25}}}");
        assert!(holds("grace-shorter-than-pre-stop", &hold));
        let unknown = shop("", "", "lifecycle: {preStop: {httpGet: {path: /stop, port: 80}}}");
        assert_eq!(found("grace-shorter-than-pre-stop", &unknown), [""; 0]);
        assert!(!holds("grace-shorter-than-pre-stop", &unknown), "nothing is known of it");
    }
}
