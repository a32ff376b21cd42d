//! IPVS entries that catch new connections.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "ipvs-reuse",
    family: Family::Dataplane,
    title: "new connections went to a pod that was gone because they reused a port that IPVS still knew",
    mechanism: "kube-proxy in IPVS mode keeps a removed pod with weight 0 while connections to it are known. A \
                new connection from the same client address and port counts as one of those and goes to the pod \
                that is gone. A single client with many connections a second reuses its ports soon, and a prober \
                is such a client.",
    signature: "Connect timeouts on a few new connections from one source, after a pod has ended, the more the \
                higher the rate; other clients see nothing.",
    rules: &[
        rule(40, 0, "kube-proxy runs in IPVS mode, and failed connections reused a port", proxy_mode),
        rule(12, 30, "SYNs got no answer", answers::connect_timeouts),
        rule(8, 20, "new connections lost a larger share than kept ones", lanes::mostly_new),
        rule(10, 20, "failures began while a pod was ending", pods::began_with_an_end),
        rule(5, 10, "only a part of the requests failed", lanes::a_part_lost),
    ],
    remedy: "Probe from several addresses, or at a lower `--rate`, before the service is blamed; for real \
             clients: another mode of kube-proxy (iptables, nftables), or a kernel that handles the reuse.",
    fix: no_fix,
    tell_apart: "halve `--rate`: ports are reused later and fewer connections fail",
    shown: &[
        Shown::NotYet("the lab does not forward packets through IPVS"),
    ],
    sources: &[
        "https://github.com/kubernetes/kubernetes/issues/81775",
        "https://github.com/kubernetes/kubernetes/issues/99162",
    ],
};

/// The mode of kube-proxy is not part of a record.
fn proxy_mode(_: &Case<'_>) -> Outcome {
    Outcome::Unknown("the mode of kube-proxy is not recorded: `kubectl -n kube-system get configmap kube-proxy -o \
                      yaml` shows it, and `ipvsadm -Ln` the entries with weight 0")
}
