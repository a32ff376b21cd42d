//! Kept connections that a pod cuts when it exits.

use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::case::Case;
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "kept-connections-cut",
    family: Family::Termination,
    title: "connections that clients had kept open were cut when their pod exited",
    mechanism: "A connection stays with its pod: connection tracking keeps sending its packets there after the pod \
                has left the endpoints, as it must. A preStop sleep keeps new connections away and does nothing for \
                these. When the process exits it closes them without a word, and requests that are on their way at \
                that moment are lost.",
    signature: "Requests on kept connections end without an answer (closed or reset), one a connection at most, when \
                a pod exits; new connections lose none. In the cluster: the pod had left the endpoints before.",
    rules: &[
        rule(35, 50, "only kept connections lost requests", lanes::only_kept),
        rule(20, 30, "requests were cut while under way", answers::cut),
        rule(20, 10, "failures began with the exit of a pod", pods::began_with_an_exit),
        rule(10, 10, "the pod had left the endpoints before it exited", pods::had_left_before_its_exit),
        rule(10, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(5, 0, "each connection lost one request", lanes::once_each),
        rule(0, 25, "the pod was killed at the end of its grace period", pods::ended_by_itself),
    ],
    remedy: "On SIGTERM answer with `Connection: close` (HTTP/1.1) or send GOAWAY (HTTP/2), finish what is under way, \
             and exit once all clients have gone, within the grace period. Proxies: repeat idempotent requests that \
             failed on a kept connection.",
    fix,
    tell_apart: "probe with one kind of connection at a time: with `--lanes new` alone this cause loses nothing",
    shown: &[Shown::Lab("pre-stop-only"), Shown::Cluster("pre_stop_alone_loses_nothing_on_new_connections")],
    sources: &["https://github.com/kubernetes/kubernetes/issues/93143"],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let _ = case;
    Some(Fix {
        says: "let the application drain: after SIGTERM answer with `Connection: close` or send GOAWAY, and exit once \
               its clients have gone"
            .to_owned(),
        yaml: String::new(),
        sleep_seconds: None,
        costs: "the exit of a pod takes as long as its slowest client needs for its next request, at most the grace \
                period"
            .to_owned(),
    })
}
