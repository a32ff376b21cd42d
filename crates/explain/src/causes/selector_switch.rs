//! A selector that was switched to pods that were not ready.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{config, endpoints, lanes};
use crate::phrase::some;

pub(super) const CAUSE: Cause = Cause {
    name: "selector-switch",
    family: Family::NoEndpoints,
    title: "the service was switched to pods that were not ready yet",
    mechanism: "A Service that selects other pods (blue-green, or a label such as a version or a chart's name in \
                its selector) has at once the endpoints of those pods, and none while they start. The old pods \
                are ready and get nothing. Helm writes Services before Deployments.",
    signature: "Every request fails from the change of the Service to the readiness of the new pods. In the \
                cluster: the endpoints are empty while old pods are ready and not being deleted.",
    rules: &[
        rule(45, 45, "the selector changed just before", config::selector_switched),
        rule(20, 30, "no pod was in the endpoints", endpoints::empty),
        rule(15, 15, "no request succeeded", lanes::all_lost),
        rule(10, 30, "failures ended when a pod was in the endpoints again", endpoints::ended_with_the_list),
        rule(10, 0, "old pods were ready meanwhile", old_pods_were_ready),
    ],
    remedy: "Keep versions out of selectors. For blue-green: switch once all new pods are ready and every hop \
             has heard of them, and keep the old ones for as long as the slowest hop lags.",
    fix: no_fix,
    tell_apart: "`kubectl get service -o yaml` before and after: a selector that differs",
    shown: &[
        Shown::Lab("blue-green-gap"),
        Shown::Cluster("blue_green_has_a_gap_without_a_standby_and_none_with_one"),
    ],
    sources: &[
        "https://github.com/helm/helm/blob/main/pkg/release/util/kind_sorter.go",
    ],
};

/// Old pods were ready, and not being deleted, when the failures began.
fn old_pods_were_ready(case: &Case<'_>) -> Outcome {
    let first = case.span.from;
    let ready = case.world.pods.iter().filter(|pod| pod.ready.is_some_and(|ready| ready < first) && pod.is_wanted(first));
    match ready.count() as u64 {
        0 => Outcome::Absent,
        count => Outcome::Seen(format!("{} ready and not being deleted when failures began", some(count, "pod"))),
    }
}
