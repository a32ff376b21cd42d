//! A liveness probe that kills what is still starting.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "liveness-kills",
    family: Family::StartUp,
    title: "a liveness probe killed pods that were still starting, again and again",
    mechanism: "A liveness probe without a startup probe begins with the process. If the start takes longer than \
                `initialDelaySeconds` and `failureThreshold` periods, the kubelet restarts the container before \
                it was ever up.",
    signature: "New pods never become ready; what they were to replace is missing. In the cluster: restarts, \
                Unhealthy (Liveness) and Killing, BackOff; the rollout does not end.",
    rules: &[
        rule(50, 40, "a liveness probe failed", pods::liveness_probe_failed),
        rule(15, 10, "containers were restarted", pods::restarted),
        rule(15, 0, "no pod was in the endpoints, or fewer", endpoints::empty_or_fewer),
        rule(10, 0, "requests met pods that no longer listened", answers::dead_ends),
    ],
    remedy: "A startup probe on the liveness probe's endpoint, with a threshold that covers the slowest start.",
    fix,
    tell_apart: "`kubectl describe pod`: Liveness probe failed, and the restart count",
    shown: &[
        Shown::Lab("liveness-kills-slow-starters"),
        Shown::Cluster("a_liveness_probe_that_kills_starters_is_named_before_the_strategy"),
    ],
    sources: &[
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
    ],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let container = case.world.settings(case.span.to).and_then(super::endpoint_race::serving);
    let name = container.map_or("app", |container| container.name.as_str());
    Some(Fix {
        says: "let the liveness probe begin only when the container has started".to_owned(),
        yaml: format!(
            "spec:\n  template:\n    spec:\n      containers:\n      - name: {name}\n        startupProbe:\n          \
             httpGet: {{path: /live, port: http}} # as your liveness probe has it\n          periodSeconds: 2\n          failureThreshold: 60 # two minutes\n"
        ),
        sleep_seconds: None,
        costs: "a container that hangs while it starts is restarted after two minutes instead of sooner".to_owned(),
    })
}
