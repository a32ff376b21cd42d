//! A process that does not hear SIGTERM.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Outcome, Shown, rule};
use crate::evidence::{answers, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "sigterm-ignored",
    family: Family::Termination,
    title: "the process never heard SIGTERM and was killed at the end of its grace period",
    mechanism: "The first process of a container has no default action for SIGTERM. A shell as the first process \
                (`sh -c`, `npm start`, an ENTRYPOINT in shell form) does not pass it on. So the application \
                serves on for the whole grace period, by accident a preStop sleep of 30 s, and then SIGKILL cuts \
                what is under way.",
    signature: "Nothing at SIGTERM; requests under way and kept connections are cut exactly when the grace \
                period ends. In the cluster: every old pod takes its whole grace period and exits with code 137.",
    rules: &[
        rule(35, 45, "old pods were killed", pods::killed),
        rule(25, 30, "old pods took as long to end as they were allowed to", pods::used_up_its_grace),
        rule(15, 5, "failures began with the exit of a pod", pods::began_with_an_exit),
        rule(15, 20, "requests were cut while under way", answers::cut),
        rule(0, 45, "the preStop hook takes as long as the grace period", hook_fits),
    ],
    remedy: "Start the application with `exec` or in exec form, or under an init such as tini. Give it a preStop \
             sleep in the same change: the accidental 30 s of serving end with the cure.",
    fix,
    tell_apart: "`kubectl exec POD -- cat /proc/1/cmdline` shows the first process",
    shown: &[
        Shown::Lab("deaf-to-sigterm"),
        Shown::Cluster("a_pod_that_ignores_sigterm_is_killed_at_the_end_of_its_grace_period"),
    ],
    sources: &[
        "https://github.com/krallin/tini#why-tini",
    ],
};

/// A hook that takes the whole grace period is another cause.
fn hook_fits(case: &Case<'_>) -> Outcome {
    pods::pre_stop_exceeds_grace(case).only_against()
}

fn fix(case: &Case<'_>) -> Option<Fix> {
    const SLEEP: u64 = 10;
    let settings = case.world.settings(case.span.from)?;
    let name = super::endpoint_race::serving(settings).map_or("app", |container| container.name.as_str());
    let grace = settings.grace.as_secs();
    let longer = (SLEEP + 1).saturating_sub(grace);
    Some(Fix {
        says: "start the application as the first process of its container (exec form, or `exec` in the shell's \
               line), and let each pod wait before SIGTERM"
            .to_owned(),
        yaml: format!(
            "spec:\n  template:\n    spec:\n{}      containers:\n      - name: {name}\n        lifecycle:\n          \
             preStop:\n            sleep:\n              seconds: {SLEEP} # and the program itself must get SIGTERM\n",
            super::endpoint_race::grace_line(Some(settings), SLEEP)
        ),
        sleep_seconds: None,
        costs: if longer > 0 {
            format!("pods take {SLEEP} s and more to end, where their grace period ends them after {grace} s today")
        } else {
            format!("none: pods end sooner than the {grace} s that they take today")
        },
    })
}
