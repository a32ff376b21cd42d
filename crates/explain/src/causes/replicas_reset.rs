//! Replicas that a release set back under an autoscaler.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{config, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "replicas-reset",
    family: Family::NoEndpoints,
    title: "the number of replicas was set back, which ended pods that were in use",
    mechanism: "A chart that renders `spec.replicas` writes its default over what the autoscaler had set. Pods \
                beyond that number are deleted at once, and come back when the autoscaler looks next (15 s by \
                default).",
    signature: "At the begin of the upgrade a share of new connections fails, then the rest overloads. In the \
                cluster: the wanted number falls, pods of the current template are deleted, the autoscaler \
                raises the number again.",
    rules: &[
        rule(50, 45, "the wanted number fell", config::replicas_fell),
        rule(20, 10, "failures or slow answers began while a pod was ending", pods::began_with_an_end),
        rule(15, 0, "an autoscaler changed the number afterwards", config::autoscaler_followed),
        rule(10, 0, "fewer pods were in the endpoints", endpoints::fewer),
    ],
    remedy: "Render `replicas` only where no autoscaler is enabled. Taking the field out of an existing release \
             resets it to 1 once: hand its ownership over first.",
    fix,
    tell_apart: "`helm get manifest RELEASE | grep -A3 \"kind: Deployment\"` beside `kubectl get hpa`",
    shown: &[
        Shown::Cluster("replicas_that_a_release_resets_are_told_from_a_rollout"),
    ],
    sources: &[
        "https://github.com/helm/helm/issues/7090",
        "https://github.com/helm/helm/issues/12650",
    ],
};

fn fix(_: &Case<'_>) -> Option<Fix> {
    Some(Fix {
        says: "leave the number of replicas to the autoscaler".to_owned(),
        yaml: "# in the chart's template, before helm renders it\nspec:\n  {{- if not .Values.autoscaling.enabled }}\n  replicas: {{ .Values.replicaCount \
               }}\n  {{- end }}\n"
            .to_owned(),
        sleep_seconds: None,
        costs: "one dip to a single replica, unless the field's ownership is handed over before".to_owned(),
    })
}
