//! The pods of a run: when each was deleted and gone, and how long requests still reached it after its deletion.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::batch::Served;
use crate::event::{Event, EventKind};
use crate::failure::Failure;
use lapse_measure::answer::Origin;
use lapse_measure::time::Offset;

/// The most pods that are kept; further names are ignored.
const MAX_PODS: usize = 5_000;
/// How long after a pod is gone requests may still be sent to it, because routing rules and endpoint lists lag.
const ROUTING_LAG: Duration = Duration::from_secs(1);

/// How a failure was attributed to a pod, from the strongest evidence to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribution {
    /// A header named the pod, on the response or on the one before on the same connection.
    Header,
    /// The probe was sent to the pod's own address.
    Address,
    /// The pod was the only one that was terminating at the time.
    Exclusion,
}

/// A pod that was deleted during the run, served responses or has failures attributed to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// The pod's name, as the cluster, the lab or the backend header gives it.
    pub name: String,
    /// The pod's own address; `None` if no event gave it.
    pub address: Option<IpAddr>,
    /// When the pod's deletion was seen; `None` if it was not deleted.
    pub deleting: Option<Offset>,
    /// When the pod was last seen to leave the endpoints.
    pub left: Option<Offset>,
    /// When the exit of the pod's container was seen.
    pub exited: Option<Offset>,
    /// When the pod was seen to be gone from the cluster.
    pub gone: Option<Offset>,
    /// The number of responses by the pod; 0 without a header that names it (`--backend-header`).
    pub served: u64,
    /// When the last of these responses was complete; `None` if there are none.
    pub last_served: Option<Offset>,
    /// The number of failures attributed to the pod.
    pub failed: u64,
    /// When the last of these failed probes was sent; `None` if there are none.
    pub last_failed: Option<Offset>,
    /// How these failures were attributed: the weakest way if there were several; `None` if there are no failures.
    pub attributed_by: Option<Attribution>,
}

impl Pod {
    /// The time from the pod's deletion to its last response or failure; `None` if it was not deleted, or if nothing
    /// was seen of it after that.
    pub fn still_used(&self) -> Option<Duration> {
        let (from, last) = (self.deleting?, self.last_served.max(self.last_failed)?);
        (last > from).then(|| last.since(from))
    }
}

/// The responses counted by backend, with the time of the last one, as the run goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct ResponseCounts(BTreeMap<String, (u64, Offset)>);

impl ResponseCounts {
    pub(super) fn add(&mut self, served: Vec<Served>) {
        for Served { backend, times, last } in served {
            if self.0.len() < MAX_PODS || self.0.contains_key(&backend) {
                let (all, latest) = self.0.entry(backend).or_insert((0, last));
                (*all, *latest) = (all.saturating_add(times), last.max(*latest));
            }
        }
    }

    /// All pods that were deleted, served responses or have failures, in order of deletion; pods not deleted come last.
    pub(super) fn pods(self, events: &[Event], failures: &[Failure]) -> Vec<Pod> {
        let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
        for event in events {
            let Some(object) = event.object.as_ref().filter(|object| object.is_pod()) else { continue };
            if pods.len() < MAX_PODS || pods.contains_key(&object.name) {
                apply(pods.entry(object.name.clone()).or_default(), event);
            }
        }
        for (name, (times, last)) in self.0 {
            let pod = pods.entry(name).or_default();
            (pod.served, pod.last_served) = (times, Some(last));
        }
        for failure in failures {
            if let Some((name, attributed_by)) = attribute(&pods, failure)
                && let Some(pod) = pods.get_mut(&name)
            {
                pod.failed += 1;
                pod.last_failed = pod.last_failed.max(Some(failure.probe.sent));
                pod.attributed_by = pod.attributed_by.max(Some(attributed_by));
            }
        }
        let named = pods.into_iter().map(|(name, pod)| Pod { name, ..pod });
        let mut pods: Vec<_> = named.filter(|pod| pod.deleting.is_some() || pod.served > 0 || pod.failed > 0).collect();
        pods.sort_by_key(|pod| (pod.deleting.is_none(), pod.deleting));
        pods
    }
}

/// Updates a pod from an event about it, of a cluster or of the lab.
fn apply(pod: &mut Pod, event: &Event) {
    pod.address = event.address.or(pod.address);
    match event.kind {
        EventKind::PodDeleting => pod.deleting = pod.deleting.or(Some(event.at)),
        EventKind::EndpointRemoved => pod.left = Some(event.at),
        EventKind::ContainerExited => pod.exited = Some(event.at),
        EventKind::PodGone => pod.gone = Some(event.at),
        _ => {}
    }
}

/// The pod that a failure is attributed to, and how; `None` if nothing points to one pod.
fn attribute(pods: &BTreeMap<String, Pod>, failure: &Failure) -> Option<(String, Attribution)> {
    let named = failure.evidence.backend.as_ref().filter(|name| pods.contains_key(*name));
    if let Some(name) = named {
        return Some((name.clone(), Attribution::Header));
    }
    if let Some(name) = pod_at_address(pods, failure) {
        return Some((name, Attribution::Address));
    }
    // A response that names no pod came from a proxy.
    if failure.probe.class.origin() == Origin::Answer {
        return None;
    }
    let is_terminating = |pod: &Pod| pod.deleting.is_some_and(|deleting| failure.probe.done >= deleting);
    let terminating = pods.iter().filter(|(_, pod)| is_terminating(pod) && !was_gone(pod, failure));
    single(terminating).map(|name| (name, Attribution::Exclusion))
}

/// The pod to whose own address a probe was sent. Pods that were gone by then do not count: their address may have been
/// reused.
fn pod_at_address(pods: &BTreeMap<String, Pod>, failure: &Failure) -> Option<String> {
    let peer = failure.evidence.peer?.ip().to_canonical();
    single(pods.iter().filter(|(_, pod)| pod.address == Some(peer) && !was_gone(pod, failure)))
}

/// Whether the pod had been gone for longer than [`ROUTING_LAG`] when the probe was sent.
fn was_gone(pod: &Pod, failure: &Failure) -> bool {
    pod.gone.is_some_and(|gone| failure.probe.sent > gone + ROUTING_LAG)
}

/// The name of the pod if there is exactly one.
fn single<'a>(mut pods: impl Iterator<Item = (&'a String, &'a Pod)>) -> Option<String> {
    let (name, _) = pods.next()?;
    pods.next().is_none().then(|| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Object, ObjectKind, Source};
    use lapse_measure::answer::{Class, Connection, Evidence, Probe};
    use lapse_measure::lane::LaneId;

    fn at(ms: u64) -> Offset {
        Offset::from_millis(ms)
    }

    fn event(ms: u64, kind: EventKind, pod: &str) -> Event {
        Event::new(at(ms), Source::Kubernetes, kind, "").to(Object::new(ObjectKind::Pod, pod))
    }

    fn failure(ms: u64, class: Class, backend: Option<&str>) -> Failure {
        let (sent, done) = (at(ms), at(ms + 1));
        let connection = Connection::New;
        let probe = Probe { slot: ms, due: sent, sent, done, class, timed_out: false, connection, reconnects: 0 };
        Failure {
            lane: LaneId(0),
            probe,
            evidence: Evidence { backend: backend.map(str::to_owned), ..Evidence::default() },
        }
    }

    fn served(backend: &str, times: u64, ms: u64) -> Served {
        Served { backend: backend.to_owned(), times, last: at(ms) }
    }

    #[test]
    fn a_pod_was_still_used_until_its_last_response_or_failure() {
        let events = [
            event(100, EventKind::PodDeleting, "a"),
            event(130, EventKind::EndpointRemoved, "a"),
            event(900, EventKind::PodGone, "a"),
        ];
        let mut counts = ResponseCounts::default();
        counts.add(vec![served("a", 7, 80), served("b", 9, 2_000)]);
        counts.add(vec![served("a", 1, 120)]);
        let failures = [failure(150, Class::Refused, None), failure(160, Class::Status(502), None)];
        let pods = counts.pods(&events, &failures);
        let [a, b] = pods.as_slice() else { panic!("{pods:?}") };
        assert_eq!((a.served, a.last_served, a.failed, a.last_failed), (8, Some(at(120)), 1, Some(at(150))));
        assert_eq!((a.still_used(), a.attributed_by), (Some(Duration::from_millis(50)), Some(Attribution::Exclusion)));
        assert_eq!((b.name.as_str(), b.served, b.still_used()), ("b", 9, None));
    }

    #[test]
    fn while_two_pods_terminate_only_a_header_attributes_a_failure() {
        let events = [event(100, EventKind::PodDeleting, "a"), event(110, EventKind::PodDeleting, "b")];
        let failures = [failure(150, Class::Refused, None), failure(151, Class::Reset, Some("b"))];
        let pods = ResponseCounts::default().pods(&events, &failures);
        assert_eq!(
            pods.iter().map(|pod| (pod.failed, pod.attributed_by)).collect::<Vec<_>>(),
            [(0, None), (1, Some(Attribution::Header))]
        );
    }

    #[test]
    fn a_failure_at_a_pods_own_address_is_attributed_to_it_until_the_address_is_reused() {
        let at_address = |host: u8, event: Event| Event { address: Some([10, 0, 0, host].into()), ..event };
        let to = |host: u8, failure: Failure| {
            let peer = Some(([10, 0, 0, host], 80).into());
            Failure { evidence: Evidence { peer, ..failure.evidence }, ..failure }
        };
        let events = [
            at_address(1, event(100, EventKind::PodDeleting, "a")),
            at_address(2, event(100, EventKind::PodDeleting, "b")),
            event(500, EventKind::PodGone, "a"),
            at_address(1, event(2_000, EventKind::PodReady, "c")),
        ];
        let failures = [
            to(2, failure(150, Class::Refused, None)),
            to(1, failure(2_100, Class::Status(500), None)),
            to(9, failure(150, Class::Status(503), None)),
        ];
        let pods = ResponseCounts::default().pods(&events, &failures);
        let attributed: Vec<_> = pods.iter().map(|pod| (pod.name.as_str(), pod.failed, pod.attributed_by)).collect();
        assert_eq!(
            attributed,
            [("a", 0, None), ("b", 1, Some(Attribution::Address)), ("c", 1, Some(Attribution::Address))]
        );
    }

    #[test]
    fn a_backend_that_changes_its_name_on_each_response_is_limited_to_the_maximum() {
        let mut counts = ResponseCounts::default();
        counts.add((0..2 * MAX_PODS).map(|name| served(&name.to_string(), 1, 1)).collect());
        assert_eq!(counts.pods(&[], &[]).len(), MAX_PODS);
    }
}
