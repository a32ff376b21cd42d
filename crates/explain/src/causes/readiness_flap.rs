//! Pods that lost their readiness while they were to stay.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "readiness-flap",
    family: Family::NoEndpoints,
    title: "running pods failed their readiness probes and left the endpoints",
    mechanism: "A readiness probe has a second to be answered by default. New pods that start on the same node, \
                a low CPU limit, or a probe that asks a database make all pods fail it together; then none is \
                left.",
    signature: "Latency rises, then a part or all of the requests fail, in the rhythm of the probe. In the \
                cluster: pods that are not being deleted become not ready, with the Event Unhealthy.",
    rules: &[
        rule(35, 45, "pods lost readiness that were not being deleted", pods::lost_readiness),
        rule(30, 0, "the kubelet reported a failed readiness probe", pods::readiness_probe_failed),
        rule(15, 0, "fewer pods were in the endpoints", endpoints::empty_or_fewer),
        rule(10, 0, "failures ended when a pod was in the endpoints again", endpoints::ended_with_the_list),
    ],
    remedy: "A readiness probe that asks the process alone, with `timeoutSeconds: 3` and `failureThreshold: 3`; \
             no CPU limit, or a higher one; surge pods on other nodes (`topologySpreadConstraints`).",
    fix,
    tell_apart: "`kubectl get events --field-selector reason=Unhealthy` shows the message of the probe",
    shown: &[
        Shown::NotYet("a pod of the lab fails no readiness probe once it serves: the lab needs a process that can be \
                       told to hang"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    ],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let container = case.world.settings(case.span.from).and_then(|all| all.containers.first());
    let name = container.map_or("app", |first| first.name.as_str());
    Some(Fix {
        says: "give the readiness probe more time, and let it ask nothing but the process".to_owned(),
        yaml: format!(
            "spec:\n  template:\n    spec:\n      containers:\n      - name: {name}\n        readinessProbe:\n          \
             timeoutSeconds: 3\n          periodSeconds: 3\n          failureThreshold: 3\n"
        ),
        sleep_seconds: None,
        costs: "a pod that really hangs gets requests for 9 s before it leaves the endpoints".to_owned(),
    })
}
