//! New pods that are slow at first.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{endpoints, pods, slowness};

pub(super) const CAUSE: Cause = Cause {
    name: "slow-warm-up",
    family: Family::StartUp,
    title: "new pods answered slowly at first and got faster",
    mechanism: "Just-in-time compilers, empty caches and connection pools make the first requests of a process \
                far slower. As soon as it is ready it gets its full share of them.",
    signature: "No failures, or timeouts only: slow answers on about one in as many as pods are listed, from the \
                moment a new pod joins the endpoints, getting faster over seconds or minutes.",
    rules: &[
        rule(30, 40, "answers were only slow", slowness::only_slow),
        rule(30, 30, "it began when a new pod joined the endpoints", pods::began_with_a_start),
        rule(25, 15, "answers got faster", slowness::got_faster),
        rule(10, 25, "all wanted pods were in the endpoints", as_many_as_wanted),
        rule(0, 20, "the slow answers all took as long", took_all_times),
    ],
    remedy: "Warm up before the readiness probe passes, a slow start at the load balancer, `minReadySeconds`, no \
             CPU limit while starting.",
    fix: no_fix,
    tell_apart: "ask a new pod itself over its first minute",
    shown: &[
        Shown::Lab("slow-warm-up"),
    ],
    sources: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#slow-start-mode",
    ],
};

/// The endpoints had as many pods as wanted.
fn as_many_as_wanted(case: &Case<'_>) -> Outcome {
    endpoints::fewer(case).opposite()
}

/// A limit at which a proxy gives up is another cause.
fn took_all_times(case: &Case<'_>) -> Outcome {
    slowness::at_one_limit(case).only_against()
}
