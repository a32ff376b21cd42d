//! A release that does not work.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "bad-release",
    family: Family::StartUp,
    title: "the new version itself answered with errors",
    mechanism: "A bug, a missing setting or a dependency makes the new pods fail requests that the old ones \
                served. Without a readiness probe that notices, the rollout goes on and replaces more.",
    signature: "Errors that the application writes (500), from the moment a new pod joins the endpoints; their \
                share grows with the share of new pods and stays. Rolling back ends it.",
    rules: &[
        rule(30, 40, "the application itself answered with errors", answers::app_errors),
        rule(25, 25, "failures began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(15, 0, "the share lost grew, or stayed to the end", grew_or_stayed),
        rule(10, 10, "pods remained in the endpoints", endpoints::remained),
        rule(10, 30, "it ended only when the new pods went, or not at all", did_not_get_over_it),
    ],
    remedy: "A readiness probe that fails with the release, `minReadySeconds` so that it has time to, `helm \
             upgrade --rollback-on-failure` (helm 4) or `--atomic` (helm 3).",
    fix: no_fix,
    tell_apart: "ask a new and an old pod the same (`--backend-header` names the pod that answered)",
    shown: &[
        Shown::Lab("bad-release"),
        Shown::Cluster("a_release_that_does_not_work_is_no_endpoint_race"),
    ],
    sources: &[
        "https://helm.sh/docs/helm/helm_upgrade/",
    ],
};

/// More failed as more pods were new, or it did not end.
fn grew_or_stayed(case: &Case<'_>) -> Outcome {
    lanes::grows(case).or(|| lanes::to_the_end(case)).or(|| lanes::grows(case))
}

/// A pod that only needs time is another cause.
fn did_not_get_over_it(case: &Case<'_>) -> Outcome {
    pods::got_over_it(case).opposite()
}
