//! A migration that the old version cannot live with.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, config, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "breaking-migration",
    family: Family::Application,
    title: "a database migration broke the version that was still running",
    mechanism: "A hook before the upgrade changes the schema while all old pods serve. If they cannot work with \
                the new one (a column renamed or dropped), they fail from then on, until the last of them is \
                replaced. Rolling back does not bring the old schema back.",
    signature: "Errors that the application writes, at once on nearly all requests that touch what was changed, \
                before any new pod exists; the share falls as old pods are replaced. Health checks stay green.",
    rules: &[
        rule(40, 0, "a migration had just finished", migration),
        rule(12, 40, "the application itself answered with errors", answers::app_errors),
        rule(12, 30, "failures began in a rollout, before any new pod served", pods::before_any_new_pod),
        rule(8, 15, "the share lost fell", lanes::falls),
        rule(5, 0, "a release had just begun", config::release_began),
    ],
    remedy: "Expand, then deploy, then contract: add what the new version needs, roll it out, and remove what \
             the old version needed in a later release.",
    fix: no_fix,
    tell_apart: "`kubectl get jobs`: did the job of a hook finish right before the first failure?",
    shown: &[
        Shown::NotYet("the application of the lab has no database"),
    ],
    sources: &[
        "https://helm.sh/docs/topics/charts_hooks/",
        "https://martinfowler.com/bliki/ParallelChange.html",
    ],
};

/// Jobs are not part of a record.
fn migration(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("jobs are not recorded: `kubectl get jobs` shows whether a migration finished right before the \
                      first failure")
}
