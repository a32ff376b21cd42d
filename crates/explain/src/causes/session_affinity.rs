//! Affinity that pins the prober to one pod.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "session-affinity",
    family: Family::Artefact,
    title: "session affinity sent all probes to one pod, so that its end looked like an outage of the service",
    mechanism: "With `sessionAffinity: ClientIP`, or a cookie of a load balancer, all requests of a client go to \
                one pod (for 3 h by default). lapse is one client: while its pod is replaced it loses \
                everything, and while other pods are replaced it loses nothing.",
    signature: "All requests fail or none, where other pods are in the endpoints all the time.",
    rules: &[
        rule(40, 0, "the service or the load balancer keeps clients on one pod", affinity),
        rule(12, 30, "no request succeeded", lanes::all_lost),
        rule(10, 30, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 20, "failures began while a pod was ending", pods::began_with_an_end),
    ],
    remedy: "Probe from several addresses at once, or past the affinity (`--target pods`). For real clients each \
             pod that ends costs the clients that were pinned to it.",
    fix: no_fix,
    tell_apart: "`kubectl get service -o jsonpath={.spec.sessionAffinity}`; with `--backend-header` the answers \
                 name one pod only",
    shown: &[
        Shown::NotYet("the hops of the lab choose a pod for each request or connection"),
    ],
    sources: &[
        "https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity",
    ],
};

/// Affinity is not part of a record.
fn affinity(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the affinity is not recorded: `kubectl get service -o jsonpath={.spec.sessionAffinity}` shows it")
}
