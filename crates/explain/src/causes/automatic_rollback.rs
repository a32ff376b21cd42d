//! A rollout that was taken back.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{config, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "automatic-rollback",
    family: Family::Application,
    title: "the release was rolled back, so that all pods were replaced twice",
    mechanism: "`--atomic`, `--rollback-on-failure`, or a person takes a failed release back: a second rollout \
                in the other direction, with all that a rollout costs, whatever made the first one fail.",
    signature: "The failures of another cause, twice. In the cluster: a failed revision, and the old template \
                comes back.",
    rules: &[
        rule(50, 45, "the old template came back", config::rolled_back),
        rule(10, 10, "failures began while a pod was ending", pods::began_with_an_end),
    ],
    remedy: "Cure what made each of the two rollouts lose requests; raise helm's `--timeout` above the slowest \
             rollout, so that a slow one is not taken for a failed one.",
    fix: no_fix,
    tell_apart: "`helm history RELEASE`",
    shown: &[
        Shown::Cluster("an_atomic_upgrade_that_is_rolled_back_loses_requests_both_times"),
    ],
    sources: &[
        "https://helm.sh/docs/helm/helm_rollback/",
    ],
};
