//! Addresses of pods that clients remember.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "dns-caching",
    family: Family::Dataplane,
    title: "clients went on using addresses of pods that had ended, from DNS answers they had kept",
    mechanism: "The name of a headless Service resolves to the addresses of its pods. A client, a resolver or a \
                library keeps the answer for its time to live or longer (grpc-go asks again after 30 s at the \
                earliest; CoreDNS lets answers be kept for 5 s by default and for 30 s as Kubernetes deploys it), and \
                connects to pods that are gone meanwhile.",
    signature: "Refusals or timeouts at the addresses of old pods, for as long as answers are kept; a Service \
                with a cluster IP would not show them.",
    rules: &[
        rule(40, 45, "requests went to the own address of a pod that had left the endpoints", pods::sent_to_pods_that_had_left),
        rule(12, 20, "requests met pods that no longer listened", answers::dead_ends),
        rule(8, 10, "other pods stayed in the endpoints", endpoints::remained),
        rule(5, 10, "new connections lost a larger share than kept ones", lanes::mostly_new),
    ],
    remedy: "A preStop sleep longer than the answers are kept; shorter times to live in the resolver and the \
             runtime (JVM: `networkaddress.cache.ttl`); or a Service with a cluster IP.",
    fix: no_fix,
    tell_apart: "`dig NAME` during the rollout shows how long old addresses are given out; the address that \
                 failed shows how long they are used",
    shown: &[
        Shown::NotYet("the lab has no DNS: its targets are addresses"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#headless-services",
        "https://pkg.go.dev/google.golang.org/grpc/internal/resolver/dns",
        "https://coredns.io/plugins/kubernetes/",
        "https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/",
    ],
};
