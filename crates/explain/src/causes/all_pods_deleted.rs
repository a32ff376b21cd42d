//! All pods deleted at once.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "all-pods-deleted",
    family: Family::NoEndpoints,
    title: "all pods were deleted at once, without a rollout",
    mechanism: "`kubectl delete pod -l`, `kubectl replace --force`, an old helm's `--recreate-pods`, or an \
                operator that restarts deletes pods directly. No strategy applies to that; new pods are created \
                as the old ones go.",
    signature: "Every request fails for as long as a new pod needs to be ready. In the cluster: all deletions \
                within a second, and no change of a workload.",
    rules: &[
        rule(50, 45, "all pods were deleted within a second", pods::deleted_together),
        rule(20, 40, "no pod was in the endpoints", endpoints::empty),
        rule(15, 20, "no request succeeded", lanes::all_lost),
        rule(10, 10, "failures began while a pod was ending", pods::began_with_an_end),
    ],
    remedy: "Use `kubectl rollout restart`, which replaces pods by the workload's strategy; a checksum of the \
             configuration in the template does it by itself.",
    fix: no_fix,
    tell_apart: "the audit log, or the pipeline, shows who deleted the pods",
    shown: &[
        Shown::Cluster("pods_that_are_deleted_at_once_are_no_rollout"),
    ],
    sources: &[
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/",
    ],
};
