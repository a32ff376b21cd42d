//! Fewer pods for the same load.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, endpoints, pods, slowness};
use crate::phrase::some;

pub(super) const CAUSE: Cause = Cause {
    name: "capacity-dip",
    family: Family::Path,
    title: "too few pods were there for the load during the rollout",
    mechanism: "While pods are missing the others get their share. If they were busy before, requests queue up, \
                become slow, and fail at the first limit on the way.",
    signature: "Slow answers everywhere while pods are missing, then 503, 504 or timeouts; both end when the \
                pods are back.",
    rules: &[
        rule(35, 35, "fewer pods than wanted were in the endpoints", endpoints::fewer),
        rule(25, 10, "answers were slow", slowed),
        rule(15, 15, "it began while a pod was ending", pods::began_with_an_end),
        rule(10, 0, "502, 503 or 504 was answered", answers::gateway),
        rule(0, 40, "the slow answers all took as long as a limit, or a new pod was slow", warm_up),
    ],
    remedy: "`maxUnavailable: 0` with a surge, a higher minimum of the autoscaler, or less load a pod.",
    fix,
    tell_apart: "the same rollout at half the rate: slow answers go away if it is capacity",
    shown: &[
        Shown::Lab("capacity-dip"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable",
    ],
};

/// Answers were slow, with failures or without.
fn slowed(case: &Case<'_>) -> Outcome {
    if case.slow == 0 {
        return Outcome::Contrary("answers were not slow".to_owned());
    }
    let beside = || Outcome::Seen(format!("{} beside the failures", some(case.slow, "slow answer")));
    slowness::only_slow(case).or(beside)
}

/// Answers that get faster after a pod has joined are a warm-up.
fn warm_up(case: &Case<'_>) -> Outcome {
    match (slowness::only_slow(case), slowness::at_one_limit(case)) {
        (Outcome::Seen(_), Outcome::Seen(text)) => Outcome::Contrary(text),
        _ => Outcome::Absent,
    }
}

fn fix(case: &Case<'_>) -> Option<Fix> {
    case.world.settings(case.span.from)?;
    Some(Fix {
        says: "keep all wanted pods during the rollout".to_owned(),
        yaml: "spec:\n  strategy:\n    rollingUpdate:\n      maxUnavailable: 0\n      maxSurge: 1\n".to_owned(),
        sleep_seconds: None,
        costs: "room for one pod more during a rollout".to_owned(),
    })
}
