//! Routes and certificates that change during a release.

use crate::case::Case;
use crate::cause::{Cause, Family, Outcome, Shown, no_fix, rule};
use crate::evidence::{answers, before, config};

pub(super) const CAUSE: Cause = Cause {
    name: "route-churn",
    family: Family::Path,
    title: "the route or its certificate was replaced, and for a time something else answered for the host",
    mechanism: "A release that renames an Ingress, or deletes and creates its TLS Secret, leaves the host \
                without a route or without its certificate in between. The controller then answers from its \
                default backend, or with its own certificate.",
    signature: "404 from a default backend, 421, or a certificate for another name, on new connections, from one \
                moment to another, whatever pods do. In the cluster: an Ingress changed, or was deleted and \
                created.",
    rules: &[
        rule(25, 40, "certificates or routes were wrong", answers::wrong_route),
        rule(35, 30, "an ingress changed, or was deleted or created, just before", route_changed),
        rule(5, 0, "a proxy wrote the answers", answers::by_a_proxy),
        rule(5, 20, "nearer hops lost nothing", before::inner_hops_were_clean),
    ],
    remedy: "Stable names for Ingresses and Secrets; certificates that live outside the release (cert-manager); \
             a `--default-ssl-certificate` for the time in between.",
    fix: no_fix,
    tell_apart: "`openssl s_client -connect HOST:443 -servername HOST` during the release: the name on the \
                 certificate",
    shown: &[
        Shown::NotYet("the hops of the lab have no host rules and no certificates of their own"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/issues/3834",
        "https://github.com/kubernetes/ingress-nginx/issues/4199",
    ],
};

/// An ingress changed, or an ingress or a service was made anew.
fn route_changed(case: &Case<'_>) -> Outcome {
    match config::ingress_changed(case) {
        Outcome::Contrary(_) => config::route_recreated(case),
        other => other,
    }
}
