//! Streams that outlast a rollout.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "long-lived-streams",
    family: Family::Termination,
    title: "streams on long-lived connections were reset when their pod ended",
    mechanism: "Streams of gRPC, WebSockets and server-sent events keep one connection for hours, and all streams of a \
                client share it. The connection stays with its pod until the pod ends; then all streams on it \
                end together. A preStop sleep does nothing for them.",
    signature: "HTTP/2 streams that the server resets, or that are refused by a GOAWAY, many at once, when a pod \
                ends. The loss grows with the number of open streams, not with the rate of requests. After the \
                rollout some pods have all the connections and others none.",
    rules: &[
        rule(35, 40, "streams were reset by the server", answers::streams_reset),
        rule(20, 30, "failures began while a pod was ending", pods::began_with_an_end),
        rule(10, 20, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "Let the server end connections on its own terms: on SIGTERM send GOAWAY and finish what is open \
             (gRPC `GracefulStop`), and limit the age of connections before that (`MaxConnectionAge` with a \
             grace), so that clients spread over the new pods. Clients: a retry policy for UNAVAILABLE.",
    fix: no_fix,
    tell_apart: "probe with HTTP/1.1 as well: a loss on HTTP/2 alone is this cause, a loss on both is \
                 kept-connections-cut or endpoint-race",
    shown: &[
        Shown::NotYet("lapse sends short requests and holds no stream open; the lab resets none"),
    ],
    sources: &[
        "https://grpc.io/docs/guides/server-graceful-stop/",
        "https://kubernetes.io/blog/2018/11/07/grpc-load-balancing-on-kubernetes-without-tears/",
    ],
};
