//! Connections whose packets go nowhere.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, config, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "stale-conntrack",
    family: Family::Dataplane,
    title: "kept connections hung because their packets still went to a pod or a node that was gone",
    mechanism: "Connection tracking keeps the way of an established connection on purpose, so that pods can \
                finish. A container that ends closes its connections, and the client hears of it. A node or a \
                pod's network that vanishes closes nothing: packets go nowhere until the client gives up.",
    signature: "Requests on kept connections get no answer at all, up to the client's own timeout; new \
                connections are fine.",
    rules: &[
        rule(20, 40, "only kept connections lost requests", lanes::only_kept),
        rule(15, 40, "requests were sent and nothing came back", answers::response_timeouts),
        rule(20, 20, "a pod was ending, or a node was lost", ended_or_lost),
        rule(5, 20, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "Clients: TCP keep-alive or a user timeout of some seconds, PING frames on HTTP/2, and a request \
             timeout that also closes the connection. Operators: drain a node before it is taken away.",
    fix: no_fix,
    tell_apart: "capture packets (`tcpdump`): retransmissions without any answer on the hung connection, none on \
                 new ones",
    shown: &[
        Shown::NotYet("a pod of the lab closes its connections when it ends"),
    ],
    sources: &[
        "https://github.com/kubernetes/kubernetes/issues/93143",
        "https://github.com/kubernetes/kubernetes/issues/118814",
    ],
};

/// A pod was ending when it began, or the cluster reported that a node was lost.
fn ended_or_lost(case: &Case<'_>) -> Outcome {
    config::evicted(case).or(|| pods::began_with_an_end(case))
}
