//! Two versions that do not understand each other.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "mixed-versions",
    family: Family::Application,
    title: "clients of one version met pods of the other while both were serving",
    mechanism: "During a rollout the requests of one client go to old and to new pods in turn. A page of the new \
                version asks an old pod for a file that only new pods have; a session or a message that one \
                version wrote cannot be read by the other.",
    signature: "404 and other client errors, or unexpected bodies, on a part of the requests, only while both \
                versions serve: from the first new pod to the end of the last old one.",
    rules: &[
        rule(45, 45, "failures lay between the first new pod and the end of the last old one", pods::while_both_versions_served),
        rule(20, 30, "requests were answered with client errors or other bodies", answers::client_errors),
        rule(10, 20, "only a part of the requests failed", lanes::a_part_lost),
        rule(5, 10, "pods remained in the endpoints", endpoints::remained),
    ],
    remedy: "Let both versions serve what either asks for: files of both releases (from a CDN or a shared \
             store), sessions and messages that both can read. Where that cannot be, switch all at once \
             (blue-green) or pin clients to a version.",
    fix: no_fix,
    tell_apart: "ask old and new pods for the same (`--target pods`, `--backend-header`): each alone is fine",
    shown: &[
        Shown::NotYet("a request of the lab does not depend on the answer before it"),
    ],
    sources: &[
        "https://martinfowler.com/bliki/ParallelChange.html",
    ],
};
