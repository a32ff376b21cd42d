//! Pod by pod: when its end began, when it was complete, and until when requests still arrived at it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::batch::Served;
use crate::event::{Event, EventKind};
use crate::failure::Failure;
use lapse_measure::answer::Origin;
use lapse_measure::time::Offset;

/// Pods that are kept apart.
const KEPT: usize = 5_000;
/// For how long after it is gone requests may still be sent to a pod: as long as rules and lists lag.
const WAKE: Duration = Duration::from_secs(1);

/// How a failure was laid to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribution {
    /// The answer named it, or the answer before on the same connection.
    Header,
    /// The probe went to the pod's own address.
    Address,
    /// No other pod was on its way out.
    Exclusion,
}

/// A pod, as far as it was told of or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// The address that is its alone, where the cluster told it.
    pub address: Option<IpAddr>,
    /// When its deletion was seen.
    pub deleting: Option<Offset>,
    /// When it was seen to leave the endpoints.
    pub left: Option<Offset>,
    /// When its container was seen to have exited.
    pub exited: Option<Offset>,
    /// When it was seen to be gone.
    pub gone: Option<Offset>,
    /// Answers that it gave; none without a header that names it.
    pub served: u64,
    /// When the last of these was complete.
    pub last_served: Option<Offset>,
    /// Failures that are laid to it.
    pub failed: u64,
    /// When the last of those was sent.
    pub last_failed: Option<Offset>,
    /// How these were laid to it, the weakest way if there were several.
    pub attributed_by: Option<Attribution>,
}

impl Pod {
    /// For how long after its deletion was seen requests still arrived at it; nothing if it was not deleted, or if no
    /// request is known to have come to it after that.
    pub fn still_used(&self) -> Option<Duration> {
        let (from, last) = (self.deleting?, self.last_served.max(self.last_failed)?);
        (last > from).then(|| last.since(from))
    }
}

/// Who answered how often, as the run goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(BTreeMap<String, (u64, Offset)>);

impl Answers {
    pub(super) fn add(&mut self, served: Vec<Served>) {
        for Served { backend, times, last } in served {
            if self.0.len() < KEPT || self.0.contains_key(&backend) {
                let (all, latest) = self.0.entry(backend).or_insert((0, last));
                (*all, *latest) = (all.saturating_add(times), last.max(*latest));
            }
        }
    }

    /// All pods that answered or were seen to end, in the order in which they ended, those that did not last.
    pub(super) fn pods(self, events: &[Event], failures: &[Failure]) -> Vec<Pod> {
        let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
        for event in events {
            let Some(object) = event.object.as_ref().filter(|object| object.is_pod()) else { continue };
            if pods.len() < KEPT || pods.contains_key(&object.name) {
                note(pods.entry(object.name.clone()).or_default(), event);
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

/// What an event tells of its pod, in a cluster and in the lab.
fn note(pod: &mut Pod, event: &Event) {
    pod.address = event.address.or(pod.address);
    match event.kind {
        EventKind::PodDeleting => pod.deleting = pod.deleting.or(Some(event.at)),
        EventKind::EndpointRemoved => pod.left = Some(event.at),
        EventKind::ContainerExited => pod.exited = Some(event.at),
        EventKind::PodGone => pod.gone = Some(event.at),
        _ => {}
    }
}

/// The pod that a failure is laid to.
fn attribute(pods: &BTreeMap<String, Pod>, failure: &Failure) -> Option<(String, Attribution)> {
    let named = failure.evidence.backend.as_ref().filter(|name| pods.contains_key(*name));
    if let Some(name) = named {
        return Some((name.clone(), Attribution::Header));
    }
    if let Some(name) = addressed(pods, failure) {
        return Some((name, Attribution::Address));
    }
    // An answer that names nobody is somebody else's: a proxy's.
    if failure.probe.class.origin() == Origin::Answer {
        return None;
    }
    let leaving = |pod: &Pod| pod.deleting.is_some_and(|deleting| failure.probe.done >= deleting);
    let leaving = pods.iter().filter(|(_, pod)| leaving(pod) && !is_over(pod, failure));
    only(leaving).map(|name| (name, Attribution::Exclusion))
}

/// The pod to whose own address a probe went. An address may be given to another pod when its first one is gone.
fn addressed(pods: &BTreeMap<String, Pod>, failure: &Failure) -> Option<String> {
    let peer = failure.evidence.peer?.ip().to_canonical();
    only(pods.iter().filter(|(_, pod)| pod.address == Some(peer) && !is_over(pod, failure)))
}

/// Whether a pod had been gone for so long that the probe cannot have been meant for it.
fn is_over(pod: &Pod, failure: &Failure) -> bool {
    pod.gone.is_some_and(|gone| failure.probe.sent > gone + WAKE)
}

/// The name of the pod that is the only one.
fn only<'a>(mut pods: impl Iterator<Item = (&'a String, &'a Pod)>) -> Option<String> {
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
    fn a_pod_was_used_until_its_last_answer_or_its_last_failure() {
        let events = [
            event(100, EventKind::PodDeleting, "a"),
            event(130, EventKind::EndpointRemoved, "a"),
            event(900, EventKind::PodGone, "a"),
        ];
        let mut answers = Answers::default();
        answers.add(vec![served("a", 7, 80), served("b", 9, 2_000)]);
        answers.add(vec![served("a", 1, 120)]);
        let failures = [failure(150, Class::Refused, None), failure(160, Class::Status(502), None)];
        let pods = answers.pods(&events, &failures);
        let [a, b] = pods.as_slice() else { panic!("{pods:?}") };
        assert_eq!((a.served, a.last_served, a.failed, a.last_failed), (8, Some(at(120)), 1, Some(at(150))));
        assert_eq!((a.still_used(), a.attributed_by), (Some(Duration::from_millis(50)), Some(Attribution::Exclusion)));
        assert_eq!((b.name.as_str(), b.served, b.still_used()), ("b", 9, None));
    }

    #[test]
    fn of_two_pods_on_their_way_out_only_a_header_tells_which_it_was() {
        let events = [event(100, EventKind::PodDeleting, "a"), event(110, EventKind::PodDeleting, "b")];
        let failures = [failure(150, Class::Refused, None), failure(151, Class::Reset, Some("b"))];
        let pods = Answers::default().pods(&events, &failures);
        assert_eq!(
            pods.iter().map(|pod| (pod.failed, pod.attributed_by)).collect::<Vec<_>>(),
            [(0, None), (1, Some(Attribution::Header))]
        );
    }

    #[test]
    fn a_probe_that_went_to_a_pods_own_address_is_that_pods() {
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
        let pods = Answers::default().pods(&events, &failures);
        let laid: Vec<_> = pods.iter().map(|pod| (pod.name.as_str(), pod.failed, pod.attributed_by)).collect();
        assert_eq!(laid, [("a", 0, None), ("b", 1, Some(Attribution::Address)), ("c", 1, Some(Attribution::Address))]);
    }

    #[test]
    fn who_calls_himself_something_else_each_time_costs_no_more_than_so_much() {
        let mut answers = Answers::default();
        answers.add((0..2 * KEPT).map(|name| served(&name.to_string(), 1, 1)).collect());
        assert_eq!(answers.pods(&[], &[]).len(), KEPT);
    }
}
