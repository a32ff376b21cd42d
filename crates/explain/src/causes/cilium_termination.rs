//! Connections that an eBPF dataplane drops.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "cilium-termination",
    family: Family::Dataplane,
    title: "the dataplane dropped connections to pods that were ending, where kube-proxy would have served them",
    mechanism: "Cilium without kube-proxy has its own rules for pods that are ending: depending on the version \
                it drops new connections where only ending pods are left, or resets kept ones in some modes. \
                Advice that holds for kube-proxy does not hold there.",
    signature: "Connect timeouts instead of refusals while a pod is ending, or resets from the address of a \
                node.",
    rules: &[
        rule(40, 0, "Cilium replaces kube-proxy", dataplane),
        rule(12, 30, "SYNs got no answer", answers::connect_timeouts),
        rule(10, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(8, 20, "new connections lost a larger share than kept ones", lanes::mostly_new),
    ],
    remedy: "A current Cilium, two replicas or more with `maxUnavailable: 0`, so that one is always ready, and a \
             preStop sleep.",
    fix: no_fix,
    tell_apart: "`cilium monitor --type drop` on the node of the pod shows the dropped packets",
    shown: &[
        Shown::NotYet("needs a cluster with Cilium; the cluster of the tests has kube-proxy"),
    ],
    sources: &[
        "https://github.com/cilium/cilium/issues/32815",
        "https://github.com/cilium/cilium/issues/23744",
        "https://github.com/cilium/cilium/pull/17716",
    ],
};

/// The dataplane is not part of a record.
fn dataplane(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the dataplane is not recorded: `cilium status | grep KubeProxyReplacement` shows whether Cilium \
                      replaces kube-proxy")
}
