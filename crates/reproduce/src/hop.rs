//! The hop in front of the pods, by who answered where no pod did.

use std::fmt;
use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::hop::{ElbSpec, HealthCheck, HopSpec, IngressSpec, ServiceSpec};
use lapse_measure::answer::{Class, Origin};
use lapse_measure::time::Human;

use crate::known::Known;
use crate::lag;
use crate::seen::{Seen, found_nothing};

/// A kind of hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopKind {
    /// Passes connections on to pods, as kube-proxy does.
    Service,
    /// Passes requests on, and tries another pod.
    Ingress,
    /// Passes requests on, without retries.
    Elb,
}

impl fmt::Display for HopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Service => "service",
            Self::Ingress => "ingress",
            Self::Elb => "elb",
        })
    }
}

/// A hop with the reasons for its values, by their keys.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    pub(crate) spec: HopSpec,
    pub(crate) kind: HopKind,
    /// Why it is a hop of this kind.
    pub(crate) why: String,
    pub(crate) whys: Vec<(&'static str, String)>,
}

/// The hop of a run; `typed` if the user named its kind; `unprobed` are new
/// pods without a readiness probe.
pub(crate) fn of(seen: &Seen<'_>, typed: Option<HopKind>, sleep: Duration, unprobed: bool) -> Hop {
    let kind = typed.map_or_else(|| kind(seen), |kind| Known::shown(kind, format!("`--hop {kind}` says so")));
    let lag = lag::lag(seen, kind.value == HopKind::Service, sleep, unprobed);
    match kind.value {
        HopKind::Ingress => ingress(seen, lag, kind.why),
        _ => plain(kind, lag),
    }
}

/// A hop of which only the kind and the lag are known.
pub(crate) fn plain(kind: Known<HopKind>, lag: Known<DurationRange>) -> Hop {
    let mut whys = vec![("lag", lag.why)];
    let spec = match kind.value {
        HopKind::Service => HopSpec::Service(ServiceSpec { lag: lag.value }),
        HopKind::Ingress => HopSpec::Ingress(IngressSpec { lag: lag.value, ..IngressSpec::default() }),
        HopKind::Elb => {
            let text =
                "assumed: whether its list or its health check takes a pod out cannot be seen: all is in the lag";
            whys.push(("healthCheck", text.to_owned()));
            let health_check = HealthCheck { period: DurationRange::millis(100), healthy: 1, unhealthy: 1_000 };
            HopSpec::Elb(ElbSpec { lag: lag.value, health_check, ..ElbSpec::default() })
        }
    };
    Hop { spec, kind: kind.value, why: kind.why, whys }
}

/// The kind of the hop: a proxy answers itself, and says who it is.
pub(crate) fn kind(seen: &Seen<'_>) -> Known<HopKind> {
    let is_proxy = |class: Class| matches!(class, Class::Status(502..=504));
    let answered = seen.failures.iter().filter(|one| one.probe.class.origin() == Origin::Answer);
    let of_proxies = answered.filter(|one| is_proxy(one.probe.class) && one.evidence.backend.is_none());
    let named =
        of_proxies.filter_map(|one| one.evidence.server.as_deref()).find(|server| !server.starts_with("lapse-pod"));
    match named {
        Some(server)
            if ["elb", "alb", "cloudfront", "google"].iter().any(|word| server.to_lowercase().contains(word)) =>
        {
            Known::shown(HopKind::Elb, format!("the server {server} answered in place of pods"))
        }
        Some(server) => Known::shown(HopKind::Ingress, format!("the server {server} answered in place of pods")),
        None if seen.failures.iter().any(|one| one.probe.class.origin() == Origin::Connection) => {
            Known::shown(HopKind::Service, "connections failed, and no proxy answered in place of pods")
        }
        None => Known::assumed(HopKind::Service, "no proxy answered in place of pods"),
    }
}

/// An ingress, with what its answers show of its tries and timeouts.
fn ingress(seen: &Seen<'_>, lag: Known<DurationRange>, why: String) -> Hop {
    let usual = IngressSpec::default();
    let steps = seen.steps();
    let spared = steps.iter().filter(|step| step.leaves_some());
    let failed: u64 = spared.map(|step| seen.count_in(step, None, found_nothing)).sum();
    let tries = if failed > 0 {
        Known::shown(1, format!("{failed} requests were lost while other pods were listed: it tries no other"))
    } else {
        Known::assumed(usual.tries, "no request was lost that another pod could have answered")
    };
    let timed_out = seen.failures.iter().filter(|one| one.probe.class == Class::Status(504));
    let mut times: Vec<_> = timed_out.map(|one| one.probe.done.since(one.probe.sent)).collect();
    times.sort_unstable();
    let connect_timeout = match times.get(times.len() / 2) {
        Some(median) => Known::shown(
            DurationRange::exactly(Duration::from_millis(u64::try_from(median.as_millis()).unwrap_or(5_000).max(1))),
            format!("it gave up with 504 after {}", Human(*median)),
        ),
        None => Known::assumed(usual.connect_timeout, "it never gave up on a connection"),
    };
    let spec = IngressSpec { lag: lag.value, tries: tries.value, connect_timeout: connect_timeout.value, ..usual };
    let whys = vec![("lag", lag.why), ("tries", tries.why), ("connectTimeout", connect_timeout.why)];
    Hop { spec: HopSpec::Ingress(spec), kind: HopKind::Ingress, why, whys }
}
