//! A preStop hook that is not given the time it needs.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{endpoints, pods};
use lapse_measure::time::Human;

pub(super) const CAUSE: Cause = Cause {
    name: "grace-too-short",
    family: Family::Termination,
    title: "the grace period ended before the preStop hook and the drain did",
    mechanism: "The grace period (`terminationGracePeriodSeconds`, 30 s) begins with the deletion and includes \
                the preStop hook. A hook that takes as long or longer leaves the process two seconds at most \
                between SIGTERM and SIGKILL, and what it still had to do is lost.",
    signature: "Failures when the grace period of an old pod ends, not when its deletion begins: cut requests, \
                and refused connections if the slowest hop had not heard yet. In the cluster: the pod ends as \
                late as it may, often with exit code 137.",
    rules: &[
        rule(45, 45, "the preStop hook takes as long as the grace period", pods::pre_stop_exceeds_grace),
        rule(20, 25, "old pods took as long to end as they were allowed to", pods::used_up_its_grace),
        rule(15, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(10, 10, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "Raise the grace period above the preStop hook plus the longest request plus a margin. Node drains \
             and rollouts may take that much longer.",
    fix,
    tell_apart: "the time from deletion to exit: as long as the grace period is this cause, as long as the hook \
                 is not",
    shown: &[
        Shown::Lab("grace-shorter-than-pre-stop"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ],
};

/// A grace period that holds the hook.
fn fix(case: &Case<'_>) -> Option<Fix> {
    let settings = case.world.settings(case.span.from)?;
    let (hook, seconds) = (settings.pre_stop(), settings.pre_stop().as_secs() + 30);
    Some(Fix {
        says: format!("give each pod {seconds} s to end: {} for its preStop hook and 30 s for requests under way", Human(hook)),
        yaml: format!("spec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: {seconds}\n"),
        sleep_seconds: None,
        costs: format!("nothing where pods end early; a pod that hangs takes {seconds} s instead of {}", Human(settings.grace)),
    })
}
