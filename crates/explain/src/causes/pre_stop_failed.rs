//! A preStop hook that does not run.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "pre-stop-failed",
    family: Family::Termination,
    title: "the preStop hook failed, so that SIGTERM came with the deletion after all",
    mechanism: "A hook that runs a command needs that command in the image. Distroless images have no shell and \
                no sleep, Alpine has no bash. The kubelet reports the failure in an Event that few read, and \
                sends SIGTERM at once.",
    signature: "As endpoint-race, although the manifest has a preStop hook. In the cluster: the Event \
                FailedPreStopHook, and the pod ends far sooner than its hook takes.",
    rules: &[
        rule(50, 0, "the cluster reported a failed preStop hook", pods::pre_stop_failed),
        rule(35, 50, "pods ended before their preStop hook can have run", pods::pre_stop_did_not_run),
        rule(10, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(5, 0, "requests met pods that no longer listened", answers::dead_ends),
    ],
    remedy: "Use `preStop: {sleep: {seconds: N}}` (Kubernetes 1.30 or later), which needs nothing in the image, \
             or a delay within the application.",
    fix,
    tell_apart: "`kubectl get events --field-selector reason=FailedPreStopHook`",
    shown: &[
        Shown::Cluster("a_pre_stop_hook_that_fails_is_told_from_one_that_is_missing"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ],
};

/// The same hook as a sleep of the kubelet.
fn fix(case: &Case<'_>) -> Option<Fix> {
    super::endpoint_race::fix(case)
}
