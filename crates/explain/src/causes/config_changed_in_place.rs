//! Configuration that changes under running pods.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, config, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "config-changed-in-place",
    family: Family::Application,
    title: "a ConfigMap or Secret changed under pods that were still running the old version",
    mechanism: "A mounted ConfigMap is updated in place, for all pods that mount it. A release writes it before \
                it touches the Deployment, so pods of the old version read configuration that was meant for the \
                new one.",
    signature: "Errors that the application writes, on old pods, from some seconds up to a minute or so after \
                the ConfigMap was written; new pods are fine. In the cluster: no pod changed yet.",
    rules: &[
        rule(40, 0, "a ConfigMap or Secret had just changed", changed_in_place),
        rule(12, 40, "the application itself answered with errors", answers::app_errors),
        rule(12, 30, "failures began in a rollout, before any new pod served", pods::before_any_new_pod),
        rule(5, 20, "old pods wrote the errors", pods::old_pods_failed),
        rule(5, 0, "a release had just begun", config::release_began),
    ],
    remedy: "A new name for each version of a ConfigMap (a hash in the name, with `immutable: true`), or values \
             in environment variables with a checksum annotation in the pod template.",
    fix: no_fix,
    tell_apart: "`kubectl get configmap -o yaml --show-managed-fields`: the time of the last change, beside the \
                 first failure",
    shown: &[
        Shown::NotYet("the pods of the lab mount nothing"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically",
        "https://helm.sh/docs/howto/charts_tips_and_tricks/",
    ],
};

/// `ConfigMap`s and Secrets are not part of a record.
fn changed_in_place(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("ConfigMaps and Secrets are not recorded: `kubectl get configmap -o yaml --show-managed-fields` \
                      shows when one changed")
}
