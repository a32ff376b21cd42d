//! A port-forward, tunnel or local proxy that ended.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, before, endpoints, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "local-path-ended",
    family: Family::Artefact,
    title: "what forwards to the service on this machine ended, not the service",
    mechanism: "`kubectl port-forward` is bound to one pod and ends with it; ssh tunnels and local proxies end \
                for reasons of their own. Their port then refuses everything, and nothing that happens in the \
                cluster brings it back.",
    signature: "From one moment on every new connection to this machine is refused at once, to the end of the \
                run.",
    rules: &[
        rule(25, 60, "the target is on this machine", before::on_this_machine),
        rule(25, 40, "it went on to the end of the run", lanes::to_the_end),
        rule(15, 40, "connections were refused", answers::refused),
        rule(10, 20, "no request succeeded", lanes::all_lost),
        rule(25, 30, "pods remained in the endpoints", endpoints::remained),
    ],
    remedy: "Measure through what clients use: the ingress, a NodePort, or from within the cluster. A \
             port-forward measures one pod and the API server.",
    fix: no_fix,
    tell_apart: "probe a second target that does not pass the tunnel",
    shown: &[
        Shown::Cluster("a_port_forward_that_ends_is_the_path_and_not_the_service"),
    ],
    sources: &[
        "https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/",
    ],
};
