//! A redirect that never reached the service.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::answers;

pub(super) const CAUSE: Cause = Cause {
    name: "redirected",
    family: Family::Artefact,
    title: "the URL redirects, so that the probes never reached the service",
    mechanism: "lapse does not follow redirects: each probe is one request. A redirect to HTTPS, to a login page \
                or to another name answers from the proxy, whatever the pods do.",
    signature: "All failures are 301, 302, 307 or 308, from the first probe on.",
    rules: &[
        rule(80, 80, "redirects were answered", answers::redirect),
    ],
    remedy: "Name the URL that the redirect leads to, or expect it (`--expect 308`) if the proxy is what you \
             measure.",
    fix: no_fix,
    tell_apart: "`curl -sI URL` shows where it leads",
    shown: &[
        Shown::NotYet("the check before a run refuses it; only a redirect that begins later gets here"),
    ],
    sources: &[
    ],
};
