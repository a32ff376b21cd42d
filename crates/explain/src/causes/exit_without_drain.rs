//! A process that exits without finishing its requests.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "exit-without-drain",
    family: Family::Termination,
    title: "pods exited on SIGTERM with requests under way",
    mechanism: "The default action of SIGTERM, and of many frameworks, is to exit at once. Requests that are \
                being worked on get no answer, or half of one.",
    signature: "A spike of a few milliseconds per old pod: end of stream or reset before the first byte, or a \
                truncated body, on new and kept connections, about as many as requests were under way. Through \
                nginx: GET is repeated, POST becomes 502. In the cluster: exit code 143 or 0 within moments of \
                SIGTERM.",
    rules: &[
        rule(25, 30, "requests were cut while under way", answers::cut),
        rule(20, 20, "the failures were spikes of milliseconds", lanes::in_spikes),
        rule(15, 20, "failures began with the exit of a pod", pods::began_with_an_exit),
        rule(15, 5, "the pod exited at once", pods::ended_at_once),
        rule(10, 20, "other pods stayed in the endpoints", endpoints::remained),
        rule(10, 0, "new and kept connections lost requests", lanes::both_kinds),
        rule(0, 25, "the pod was killed at the end of its grace period", pods::ended_by_itself),
    ],
    remedy: "Handle SIGTERM: stop accepting only after the preStop sleep, finish what is under way, then exit. \
             Spring: `server.shutdown: graceful`; Go: `http.Server.Shutdown`; Node: `server.close()` and \
             `closeIdleConnections()`.",
    fix: no_fix,
    tell_apart: "the length of the spikes: milliseconds is this cause, as long as the hops lag is endpoint-race",
    shown: &[
        Shown::NotYet("in the lab it comes beside an endpoint race (exit-at-once) or cuts kept connections alone \
                       (pre-stop-only), and is named after those"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    ],
};
