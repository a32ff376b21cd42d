//! Requests that cross the close of an idle connection.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{before, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "keep-alive-race",
    family: Family::Artefact,
    title: "requests crossed the server closing an idle connection",
    mechanism: "A server closes connections that have been idle for its keep-alive timeout. A request that is \
                sent in the same moment meets the close and fails. It happens outside rollouts as well, the more \
                often the fewer requests share a connection.",
    signature: "Only kept connections, all of them idle for the same time before, again and again over the run. \
                Between a load balancer and a pod it is the same race one hop further in: now and then a 502 from the \
                load balancer, in the baseline as well (see failing-before).",
    rules: &[
        rule(80, 50, "the connections that failed had been idle for the same time", before::keep_alive_race),
        rule(10, 20, "only kept connections lost requests", lanes::only_kept),
    ],
    remedy: "Give the server a longer keep-alive timeout than all its clients have, proxies and load balancers \
             included: for an AWS ALB (60 s) 65 s or more.",
    fix: no_fix,
    tell_apart: "probe at another rate: the idle time at which requests fail stays the same",
    shown: &[
        Shown::NotYet("a server with a widened window shows it in the tests of the record; in the lab no pod has an \
                    idle timeout"),
    ],
    sources: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues",
    ],
};
