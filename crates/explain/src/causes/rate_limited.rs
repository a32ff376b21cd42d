//! A limiter that answers the prober.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, before};

pub(super) const CAUSE: Cause = Cause {
    name: "rate-limited",
    family: Family::Artefact,
    title: "a rate limit answered the prober in place of the service",
    mechanism: "A limiter lets a certain rate through and answers the rest: ingress-nginx with 503 by default \
                (`limit-rps`, `limit-connections`), gateways and WAFs with 429. lapse sends more from one \
                address than any of its users do.",
    signature: "429 or 503, a steady share of all requests from the first second of the baseline on; the rate \
                that succeeds is the same throughout. What writes the answers is the proxy.",
    rules: &[
        rule(35, 50, "429 or 503 was answered", answers::limited),
        rule(40, 50, "the baseline lost about as large a share", before::failed_alike),
        rule(10, 0, "a rate passed all the same", before::a_rate_passed),
        rule(5, 0, "a proxy wrote the answers", answers::by_a_proxy),
    ],
    remedy: "Probe at the rate that passes, or exempt the prober \
             (`nginx.ingress.kubernetes.io/limit-allowlist`).",
    fix,
    tell_apart: "halve --rate: a limiter then answers fewer, a broken backend the same share",
    shown: &[
        Shown::Proxy("a_limiter_that_answers_the_prober_is_named"),
    ],
    sources: &[
        "https://github.com/kubernetes/ingress-nginx/blob/main/docs/user-guide/nginx-configuration/configmap.md#limit-req-status-code",
    ],
};

/// The rate that passed.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of \
                                                                                                          two digits")]
fn fix(case: &Case<'_>) -> Option<Fix> {
    let seconds = case.span.length().as_secs_f64();
    let passed = (case.new.resolved + case.reused.resolved).saturating_sub(case.failed());
    let rate = (passed as f64 / seconds.max(1.0) * 0.8) as u64;
    (rate > 0).then(|| Fix {
        says: format!("probe at `--rate {rate}`, four fifths of what passed"),
        costs: "what lapse can resolve: its report says how long an outage could go unseen at that rate".to_owned(),
        ..Fix::default()
    })
}
