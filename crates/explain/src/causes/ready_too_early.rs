//! A pod that counts as ready before it can serve.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "ready-too-early",
    family: Family::StartUp,
    title: "new pods got requests before they could serve them",
    mechanism: "Without a readiness probe a pod counts as ready as soon as its process runs. A probe of a port, \
                or of a path that answers before everything is loaded, says the same too early. Then old pods \
                end, and requests meet processes that do not listen yet or answer with errors.",
    signature: "From the moment a new pod joins the endpoints: refused connections, or errors that the \
                application itself writes, about one in as many as pods are listed, until it really serves.",
    rules: &[
        rule(30, 30, "failures began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(25, 10, "pods counted as ready at once", pods::ready_at_once),
        rule(15, 20, "connections were refused, or the application answered with errors", not_serving),
        rule(20, 30, "it ended while the new pods stayed", pods::got_over_it),
        rule(10, 10, "pods remained in the endpoints", endpoints::remained),
        rule(0, 25, "no pod was ending when it began", no_pod_was_ending),
    ],
    remedy: "A readiness probe that asks what a request needs, and a startup probe for the time before. \
             `initialDelaySeconds` alone is a guess.",
    fix,
    tell_apart: "ask a new pod itself (`kubectl exec`, or `--target pods`) while it starts",
    shown: &[
        Shown::Lab("no-readiness-probe"),
        Shown::Lab("lying-readiness-probe"),
        Shown::Cluster("a_pod_without_a_readiness_probe_is_ready_too_early"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    ],
};

/// No listener yet, or the application's own errors.
fn not_serving(case: &Case<'_>) -> Outcome {
    answers::refused(case).or(|| answers::app_errors(case))
}

fn fix(case: &Case<'_>) -> Option<Fix> {
    let container = case.world.settings(case.span.to).and_then(super::endpoint_race::serving);
    let name = container.map_or("app", |container| container.name.as_str());
    Some(Fix {
        says: "let each pod say itself when it can serve".to_owned(),
        yaml: format!(
            "spec:\n  template:\n    spec:\n      containers:\n      - name: {name}\n        readinessProbe:\n          \
             httpGet: {{path: /ready, port: http}} # yours: a path that answers 200 only once requests can be served\n          \
             periodSeconds: 1\n          timeoutSeconds: 3\n"
        ),
        sleep_seconds: None,
        costs: "each step of the rollout takes as long as a pod really needs to start".to_owned(),
    })
}

/// Failures that begin with the end of a pod, and of which no application speaks, are the end's.
fn no_pod_was_ending(case: &Case<'_>) -> Outcome {
    match (pods::began_with_an_end(case), answers::app_errors(case), pods::ready_at_once(case)) {
        (Outcome::Seen(text), app, ready) if !matches!(app, Outcome::Seen(_)) && !matches!(ready, Outcome::Seen(_)) => {
            Outcome::Contrary(text)
        }
        _ => Outcome::Absent,
    }
}
