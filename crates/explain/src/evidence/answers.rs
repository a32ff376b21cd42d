//! How probes failed: their classes, how fast, and by whose word.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::case::Case;
use crate::cause::Outcome;
use crate::phrase::{classes, percent, some};
use lapse_measure::answer::Class;
use lapse_measure::time::Human;

/// Failures of a kind count as most of a case from this share on.
const MAJORITY: f64 = 0.6;
/// A kind of failure that is at most this share of a case does not matter to it.
const MINORITY: f64 = 0.2;
/// A failure within this time came without a wait for anything.
const AT_ONCE: Duration = Duration::from_millis(50);

/// Outcome by the share of the failures that are of a kind.
fn mostly(case: &Case<'_>, what: &str, is: impl Fn(Class) -> bool + Copy) -> Outcome {
    if case.failed() == 0 {
        return Outcome::Contrary("nothing failed: answers were only slow".to_owned());
    }
    let share = case.share_of(is);
    let after = case.time_to_fail(is).map(|time| format!(" after {} (median)", Human(time))).unwrap_or_default();
    let of_kind = case.new.classes.iter().chain(&case.reused.classes).filter(|(class, _)| is(**class));
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    for (class, count) in of_kind {
        *counts.entry(*class).or_insert(0) += count;
    }
    if share >= MAJORITY {
        Outcome::Seen(format!("{} of the failures {what}{after}: {}", percent(share), classes(&counts)))
    } else if share <= MINORITY {
        let mut all = case.new.classes.clone();
        for (class, count) in &case.reused.classes {
            *all.entry(*class).or_insert(0) += count;
        }
        let few = if share > 0.0 { format!("only {}", percent(share)) } else { "none".to_owned() };
        Outcome::Contrary(format!("{few} of the failures {what}: {}", classes(&all)))
    } else {
        Outcome::Absent
    }
}

/// Whether connections were refused by a host that is there and has no listener.
const fn is_refusal(class: Class) -> bool {
    matches!(class, Class::Refused)
}

/// Connections were refused at once.
pub(crate) fn refused(case: &Case<'_>) -> Outcome {
    match mostly(case, "were refused", is_refusal) {
        Outcome::Seen(_) if case.time_to_fail(is_refusal).is_some_and(|time| time > AT_ONCE) => Outcome::Absent,
        outcome => outcome,
    }
}

/// Next to no connection was refused: whatever was sent to had no host behind it. Only the contrary says anything.
pub(crate) fn nothing_refused(case: &Case<'_>) -> Outcome {
    let share = case.share_of(is_refusal);
    if share > 0.1 {
        return Outcome::Contrary(format!("{} of the failures were refused: the host was there", percent(share)));
    }
    Outcome::Absent
}

/// Connections were refused; the contrary is that next to none was, nor met a host that was gone.
pub(crate) fn refused_or_vanished(case: &Case<'_>) -> Outcome {
    match refused(case) {
        Outcome::Contrary(_)
            if case.share_of(|class| matches!(class, Class::Refused | Class::ConnectTimeout | Class::Unreachable))
                > MINORITY =>
        {
            Outcome::Absent
        }
        outcome => outcome,
    }
}

/// New connections found no listener, or a proxy found none on their behalf.
pub(crate) fn dead_ends(case: &Case<'_>) -> Outcome {
    let is = |class| {
        matches!(
            class,
            Class::Refused
                | Class::Unreachable
                | Class::ConnectTimeout
                | Class::Status(502)
                | Class::Closed
                | Class::Reset
        )
    };
    mostly(case, "found nothing that still listened", is)
}

/// Requests under way were cut: end of stream or reset before or within the response, or a proxy's word for it.
pub(crate) fn cut(case: &Case<'_>) -> Outcome {
    let is = |class| matches!(class, Class::Closed | Class::Reset | Class::Truncated | Class::StreamReset);
    mostly(case, "were cut while under way", is)
}

/// Packets were dropped: no SYN-ACK, or no route to the host.
pub(crate) fn blackholed(case: &Case<'_>) -> Outcome {
    mostly(case, "got no answer to their first packet", |class| {
        matches!(class, Class::ConnectTimeout | Class::Unreachable | Class::Status(504))
    })
}

/// No SYN-ACK in time.
pub(crate) fn connect_timeouts(case: &Case<'_>) -> Outcome {
    mostly(case, "got no answer to their SYN", |class| class == Class::ConnectTimeout)
}

/// Streams of HTTP/2 were refused or reset.
pub(crate) fn streams_reset(case: &Case<'_>) -> Outcome {
    mostly(case, "were streams that the server reset", |class| class == Class::StreamReset)
}

/// Client errors were answered, or bodies that were not expected. 429 is a limiter's.
pub(crate) fn client_errors(case: &Case<'_>) -> Outcome {
    mostly(case, "were client errors or unexpected bodies", |class| {
        class != Class::Status(429) && matches!(class, Class::Status(400..=499) | Class::UnexpectedBody)
    })
}

/// 503 was answered.
pub(crate) fn unavailable(case: &Case<'_>) -> Outcome {
    mostly(case, "were answered with 503", |class| class == Class::Status(503))
}

/// 429 or 503 was answered.
pub(crate) fn limited(case: &Case<'_>) -> Outcome {
    mostly(case, "were answered with 429 or 503", |class| matches!(class, Class::Status(429 | 503)))
}

/// A proxy's status: 502, 503 or 504.
pub(crate) fn gateway(case: &Case<'_>) -> Outcome {
    mostly(case, "were answered with 502, 503 or 504", |class| matches!(class, Class::Status(502..=504)))
}

/// A redirect was answered.
pub(crate) fn redirect(case: &Case<'_>) -> Outcome {
    mostly(case, "were redirects", |class| matches!(class, Class::Status(300..400)))
}

/// The method was refused.
pub(crate) fn method_refused(case: &Case<'_>) -> Outcome {
    mostly(case, "were answered with 405 or 501", |class| matches!(class, Class::Status(405 | 501)))
}

/// A name did not resolve.
pub(crate) fn unresolved(case: &Case<'_>) -> Outcome {
    mostly(case, "were names that did not resolve", |class| class == Class::Dns)
}

/// TLS failed, or a default backend answered 404 or 421.
pub(crate) fn wrong_route(case: &Case<'_>) -> Outcome {
    mostly(case, "met a wrong certificate or a default backend", |class| {
        matches!(class, Class::Tls | Class::Status(404 | 421))
    })
}

/// Another application answered: 401, 404, an unexpected body or a wrong certificate.
pub(crate) fn foreign(case: &Case<'_>) -> Outcome {
    mostly(case, "were answered by something else", |class| {
        matches!(class, Class::Tls | Class::UnexpectedBody | Class::Malformed | Class::Status(401 | 403 | 404 | 421))
    })
}

/// Requests were sent and nothing came back in time.
pub(crate) fn response_timeouts(case: &Case<'_>) -> Outcome {
    mostly(case, "were given up by the prober", |class| class == Class::ResponseTimeout)
}

/// The application itself answered with an error.
pub(crate) fn app_errors(case: &Case<'_>) -> Outcome {
    let answered = |class| matches!(class, Class::Status(400..=599) | Class::UnexpectedBody);
    match mostly(case, "were answered with an error", answered) {
        Outcome::Seen(text) => match proxy(case) {
            Some((name, _)) => Outcome::Contrary(format!("{name} wrote the answers, not the application")),
            None => Outcome::Seen(match server(case) {
                Some(server) => format!("{text}, with the header `Server: {server}`"),
                None => text,
            }),
        },
        other => other,
    }
}

/// A proxy or load balancer wrote the answers, by their `Server` header or by their body.
pub(crate) fn by_a_proxy(case: &Case<'_>) -> Outcome {
    match proxy(case) {
        Some((name, count)) => Outcome::Seen(format!("{name} wrote {count} of the failed answers")),
        None if server(case).is_some() => {
            Outcome::Contrary(format!("`{}` wrote the answers, no known proxy", server(case).unwrap_or_default()))
        }
        None => Outcome::Absent,
    }
}

/// Envoy wrote the answers.
pub(crate) fn by_envoy(case: &Case<'_>) -> Outcome {
    match proxy(case) {
        Some(("Envoy", count)) => Outcome::Seen(format!("Envoy wrote {count} of the failed answers")),
        Some((name, _)) => Outcome::Contrary(format!("{name} wrote the failed answers, not Envoy")),
        None => Outcome::Absent,
    }
}

/// Envoy lost a connection that a pod had accepted, by its own word for it.
pub(crate) fn envoy_was_hung_up_on(case: &Case<'_>) -> Outcome {
    let bodies = || case.failures.iter().filter_map(|failure| failure.evidence.body.as_deref());
    let saying = |words: &str| bodies().filter(|body| body.contains(words)).count() as u64;
    match (saying("connection termination"), saying("connection failure") + saying("no healthy upstream")) {
        (0, 0) => Outcome::Absent,
        (ended, refused) if ended > refused => {
            Outcome::Seen(format!("Envoy answered \"connection termination\" to {}", some(ended, "request")))
        }
        (_, refused) => Outcome::Contrary(format!(
            "Envoy had no pod to connect to for {}: that is an old list, or an empty one",
            some(refused, "request")
        )),
    }
}

/// A cloud's load balancer wrote the answers.
pub(crate) fn by_a_load_balancer(case: &Case<'_>) -> Outcome {
    match proxy(case) {
        Some((name, count)) if LOAD_BALANCERS.iter().any(|(_, known)| *known == name) => {
            Outcome::Seen(format!("{name} wrote {count} of the failed answers"))
        }
        Some((name, _)) => Outcome::Contrary(format!("{name} wrote the failed answers, no load balancer")),
        None if server(case).is_some() => {
            Outcome::Contrary(format!("`{}` wrote the answers, no load balancer", server(case).unwrap_or_default()))
        }
        None => Outcome::Absent,
    }
}

/// The beginnings of `Server` headers of load balancers, and of proxies.
const LOAD_BALANCERS: [(&str, &str); 4] = [
    ("awselb", "an AWS load balancer"),
    ("elb", "the load balancer"),
    ("microsoft-azure-application-gateway", "an Azure Application Gateway"),
    ("google", "a Google load balancer"),
];
const PROXIES: [(&str, &str); 7] = [
    ("nginx", "nginx"),
    ("openresty", "nginx"),
    ("envoy", "Envoy"),
    ("istio-envoy", "Envoy"),
    ("haproxy", "HAProxy"),
    ("traefik", "Traefik"),
    ("ingress", "the ingress"),
];

/// The proxy that wrote most of the failed answers, and how many; `None` if none is known to have.
fn proxy(case: &Case<'_>) -> Option<(&'static str, u64)> {
    let mut by_name: BTreeMap<&'static str, u64> = BTreeMap::new();
    for failure in case.failures.iter().filter(|failure| failure.evidence.status.is_some()) {
        let server = failure.evidence.server.as_deref().unwrap_or_default().to_ascii_lowercase();
        let body = failure.evidence.body.as_deref().unwrap_or_default();
        let known = LOAD_BALANCERS.iter().chain(&PROXIES).find(|(start, _)| server.starts_with(start));
        // Envoy's own texts for a request that reached no host.
        let of_envoy = body.starts_with("no healthy upstream") || body.starts_with("upstream connect error");
        if let Some((_, name)) = known.or_else(|| of_envoy.then_some(&PROXIES[2])) {
            *by_name.entry(name).or_insert(0) += 1;
        }
    }
    by_name.into_iter().max_by_key(|(_, count)| *count)
}

/// The most frequent `Server` header of the failed answers.
fn server<'a>(case: &Case<'a>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for server in case.failures.iter().filter_map(|failure| failure.evidence.server.as_deref()) {
        *counts.entry(server).or_insert(0) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(server, _)| server)
}

/// Failures took about as long as one of the limits at which a proxy or a kernel gives up.
pub(crate) fn at_a_known_limit(case: &Case<'_>) -> Outcome {
    const LIMITS: [(u64, &str); 3] = [
        (3_060, "the kernel gives up asking for the address of a host that is gone (ARP)"),
        (5_000, "ingress-nginx gives up connecting"),
        (10_000, "an AWS load balancer gives up connecting"),
    ];
    let Some(time) = case.time_to_fail(|_| true) else { return Outcome::Absent };
    let near = |limit: u64| time.as_millis().abs_diff(u128::from(limit)) <= 150;
    match LIMITS.iter().find(|(limit, _)| near(*limit)) {
        Some((_, why)) => Outcome::Seen(format!("probes failed after {} (median), as when {why}", Human(time))),
        None => Outcome::Absent,
    }
}
