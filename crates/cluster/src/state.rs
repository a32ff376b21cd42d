//! The last known state of the cluster: which objects belong to the rollout, and how far it has come.
//!
//! Pure: objects in, events out. A repeated list is compared with what is known, so no event is reported twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::PodAddress;
use super::change::Change;
use super::diff;
use super::kind::Kind;
use super::meta::Meta;
use super::object::{Body, Object, ObjectReference};
use super::scope::Of;
use lapse_measure::time::Offset;
use lapse_record::event::{Event, Source};

/// The time that a change may wait for its object's owner to become known.
const OWNER_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of changes that wait at once; beyond it the oldest are dropped.
const MAX_WAITING: usize = 4096;

/// The progress of the rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The number of workloads in the rollout.
    pub workloads: usize,
    /// How many templates, pods or routes to pods have changed since the watch began.
    pub changes: u64,
    /// The conditions of a complete rollout that are not met yet, as text for reports; empty once it is complete.
    pub missing: Vec<String>,
    /// How often a fresh list has confirmed that this is up to date.
    pub confirmed: u64,
    /// A kind that is needed to follow a rollout cannot be listed, for lack of permission.
    pub blindfolded: bool,
}

/// Whether an object belongs to the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RolloutMembership {
    In,
    Out,
    /// Its owner is not known yet.
    Unknown,
}

/// The identity of an object in the watched namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: Kind,
    name: String,
}

/// The known state.
#[derive(Debug)]
pub(super) struct State {
    of: Of,
    objects: BTreeMap<Key, Object>,
    /// Whether the objects that an owner (by uid) controls belong to the rollout; kept when the owner is gone.
    owners: BTreeMap<String, bool>,
    /// The objects that may own others.
    by_uid: BTreeMap<String, Key>,
    /// All objects that have ever belonged to the rollout.
    members: BTreeSet<Key>,
    /// The kinds of which a complete list was received.
    listed: BTreeSet<Kind>,
    /// The objects of the list that is being received.
    listing: BTreeMap<Kind, BTreeSet<String>>,
    waiting: VecDeque<Waiting>,
    changes: u64,
}

#[derive(Debug)]
struct Waiting {
    at: Offset,
    kind: Kind,
    object: Object,
    change: Change,
}

impl State {
    pub(super) fn new(of: Of) -> Self {
        Self {
            of,
            objects: BTreeMap::new(),
            owners: BTreeMap::new(),
            by_uid: BTreeMap::new(),
            members: BTreeSet::new(),
            listed: BTreeSet::new(),
            listing: BTreeMap::new(),
            waiting: VecDeque::new(),
            changes: 0,
        }
    }

    /// Begins a list of all objects of a kind.
    pub(super) fn list(&mut self, kind: Kind) {
        self.listing.insert(kind, BTreeSet::new());
    }

    /// Takes an object in, as part of a list or because it changed.
    pub(super) fn put(&mut self, kind: Kind, object: Object, at: Offset) -> Vec<Event> {
        let name = object.meta.name.clone();
        if let Some(names) = self.listing.get_mut(&kind) {
            names.insert(name.clone());
        }
        let key = Key { kind, name };
        let old = self.objects.get(&key);
        let changes = if self.listed.contains(&kind) { diff::between(kind, old, Some(&object)) } else { Vec::new() };
        if kind.is_workload() || kind == Kind::ReplicaSet {
            self.by_uid.insert(object.meta.uid.clone(), key.clone());
        }
        self.settle(kind, &object);
        self.wait(kind, &object, changes, at);
        self.objects.insert(key, object);
        self.wake(at)
    }

    /// Takes the deletion of an object in.
    pub(super) fn remove(&mut self, kind: Kind, name: &str, at: Offset) -> Vec<Event> {
        let Some(object) = self.objects.remove(&Key { kind, name: name.to_owned() }) else { return Vec::new() };
        self.settle(kind, &object);
        self.wait(kind, &object, diff::between(kind, Some(&object), None), at);
        self.wake(at)
    }

    /// Ends a list: objects that it does not contain are gone.
    pub(super) fn listed(&mut self, kind: Kind, at: Offset) -> Vec<Event> {
        let names = self.listing.remove(&kind).unwrap_or_default();
        let known = self.objects.keys().filter(|key| key.kind == kind && !names.contains(&key.name));
        let gone: Vec<_> = known.map(|key| key.name.clone()).collect();
        self.listed.insert(kind);
        gone.into_iter().flat_map(|name| self.remove(kind, &name, at)).collect()
    }

    /// The objects of the rollout that exist when the watch begins.
    pub(super) fn found(&mut self, at: Offset) -> Vec<Event> {
        let belonging = self.objects.iter().filter(|(key, object)| self.is_member(key.kind, object));
        let found = belonging.flat_map(|(key, object)| {
            diff::found(key.kind, object).into_iter().map(|change| Waiting {
                at,
                kind: key.kind,
                object: object.clone(),
                change,
            })
        });
        found.collect::<Vec<_>>().into_iter().map(|found| self.event(found)).collect()
    }

    /// Whether complete lists of these kinds were received.
    pub(super) fn has_listed(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.listed.contains(kind))
    }

    /// The addresses of the pods that are ready and not being deleted.
    pub(super) fn pods(&self) -> Vec<PodAddress> {
        let pods = self.objects.iter().filter_map(|(key, object)| match &object.body {
            Body::Pod(pod) if pod.is_ready() && object.meta.deletion_timestamp.is_none() => {
                let ip = pod.address.parse().ok()?;
                self.is_member(key.kind, object).then_some(PodAddress { ip, port: pod.port })
            }
            _ => None,
        });
        pods.collect()
    }

    /// The addresses of the namespace's services, each with the service's first port.
    pub(super) fn services(&self) -> BTreeMap<String, SocketAddr> {
        let services = self.objects.iter().filter_map(|(key, object)| match &object.body {
            Body::Service(service) => {
                Some((key.name.clone(), SocketAddr::new(service.address.parse().ok()?, service.ports.first()?.port)))
            }
            _ => None,
        });
        services.collect()
    }

    /// The progress of the rollout.
    pub(super) fn status(&self) -> Status {
        let belonging = self.objects.iter().filter(|(key, object)| self.is_member(key.kind, object));
        let (mut workloads, mut missing) = (0, Vec::new());
        for (Key { kind, name }, Object { meta, body }) in belonging {
            match body {
                Body::Workload(progress) => {
                    workloads += 1;
                    missing.extend(progress.missing(meta).map(|what| format!("{} {name}: {what}", kind.object_kind())));
                }
                Body::Pod(_) if meta.deletion_timestamp.is_some() => {
                    missing.push(format!("pod {name} is not yet gone"));
                }
                _ => {}
            }
        }
        Status { workloads, changes: self.changes, missing, ..Status::default() }
    }

    /// Whether the known objects of a kind that belong to the rollout agree with a fresh list of names and versions.
    pub(super) fn agrees(&self, kind: Kind, fresh: &BTreeMap<String, String>) -> bool {
        let known = self
            .objects
            .iter()
            .filter(|(key, object)| key.kind == kind && self.membership(kind, object) != RolloutMembership::Out);
        let known: BTreeMap<_, _> = known.map(|(key, object)| (&key.name, &object.meta.resource_version)).collect();
        let stays_out = |name: &String| {
            let object = self.objects.get(&Key { kind, name: name.clone() });
            object.is_some_and(|object| self.membership(kind, object) == RolloutMembership::Out)
        };
        fresh.iter().filter(|(name, _)| !stays_out(name)).eq(known)
    }

    /// Notes whether the objects that an owner controls belong to the rollout.
    fn settle(&mut self, kind: Kind, object: &Object) {
        let belongs = match self.membership(kind, object) {
            RolloutMembership::In => true,
            RolloutMembership::Out => false,
            RolloutMembership::Unknown => return,
        };
        if kind.is_workload() || kind == Kind::ReplicaSet {
            self.owners.insert(object.meta.uid.clone(), belongs);
        }
        if belongs {
            self.members.insert(Key { kind, name: object.meta.name.clone() });
        }
    }

    fn wait(&mut self, kind: Kind, object: &Object, changes: Vec<Change>, at: Offset) {
        let waiting = |change| Waiting { at, kind, object: object.clone(), change };
        self.waiting.extend(changes.into_iter().map(waiting));
    }

    /// The waiting changes whose objects are now known to belong to the rollout.
    fn wake(&mut self, at: Offset) -> Vec<Event> {
        let mut told = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            match self.membership(waiting.kind, &waiting.object) {
                RolloutMembership::In => told.push(self.event(waiting)),
                RolloutMembership::Unknown if at.since(waiting.at) < OWNER_TIMEOUT => self.waiting.push_back(waiting),
                RolloutMembership::Unknown | RolloutMembership::Out => {}
            }
        }
        while self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
        told
    }

    fn event(&mut self, Waiting { at, kind, object, change }: Waiting) -> Event {
        self.settle(kind, &object);
        self.changes += u64::from(change.kind.rolls());
        let address = if let Body::Pod(pod) = &object.body { pod.own_address() } else { None };
        let Change { kind, text, source_time, object, detail } = change;
        Event { source_time, address, detail, ..Event::new(at, Source::Kubernetes, kind, text).to(object) }
    }

    fn is_member(&self, kind: Kind, object: &Object) -> bool {
        self.membership(kind, object) == RolloutMembership::In
    }

    fn membership(&self, kind: Kind, object: &Object) -> RolloutMembership {
        let belongs = |belongs: bool| if belongs { RolloutMembership::In } else { RolloutMembership::Out };
        let meta = &object.meta;
        // An object that once belonged always does: a service may be switched to pods that do not exist yet.
        if self.of == Of::Everything || self.members.contains(&Key { kind, name: meta.name.clone() }) {
            return RolloutMembership::In;
        }
        match &object.body {
            Body::Workload(_) => belongs(self.is_rolled(kind, meta)),
            Body::ReplicaSet | Body::Pod(_) => match meta.controller() {
                Some(uid) => self.membership_under(uid, kind),
                None => belongs(matches!(self.of, Of::Selector(_)) || self.is_released(meta)),
            },
            Body::Service(service) => belongs(self.is_released(meta) || self.is_selected(&service.selector)),
            Body::Endpoints(members) => self.membership_of(Kind::Service, &members.service),
            Body::Ingress { services } => {
                let is_member = |name: &String| self.membership_of(Kind::Service, name) == RolloutMembership::In;
                belongs(self.is_released(meta) || services.iter().any(is_member))
            }
            Body::Autoscaler(scaler) => {
                let ObjectReference { kind, name } = &scaler.target;
                let rolled = Kind::named(kind).filter(|kind| kind.is_needed());
                rolled.map_or(RolloutMembership::Out, |kind| self.membership_of(kind, name))
            }
            Body::Release { .. } => {
                belongs(matches!(&self.of, Of::Release(name) if meta.labels.get("name") == Some(name)))
            }
            Body::ClusterEvent(notice) => {
                let ObjectReference { kind, name } = &notice.about;
                // Events about Events are left out: they could refer to each other in circles.
                let about = Kind::named(kind).filter(|kind| *kind != Kind::ClusterEvent);
                about.map_or(RolloutMembership::Out, |kind| self.membership_of(kind, name))
            }
        }
    }

    /// The membership of the objects of the kind `ruled` that the owner with this uid controls.
    fn membership_under(&self, uid: &str, ruled: Kind) -> RolloutMembership {
        match (self.owners.get(uid), self.by_uid.get(uid)) {
            (Some(true), _) => RolloutMembership::In,
            (Some(false), _) => RolloutMembership::Out,
            // Objects that name each other as owner have none.
            (None, Some(Key { kind: Kind::ReplicaSet, .. })) if ruled == Kind::ReplicaSet => RolloutMembership::Out,
            (None, Some(key)) => {
                self.objects.get(key).map_or(RolloutMembership::Unknown, |owner| self.membership(key.kind, owner))
            }
            (None, None) => RolloutMembership::Unknown,
        }
    }

    /// The membership of an object of which only the name is known.
    fn membership_of(&self, kind: Kind, name: &str) -> RolloutMembership {
        let key = Key { kind, name: name.to_owned() };
        match self.objects.get(&key) {
            _ if self.members.contains(&key) => RolloutMembership::In,
            Some(object) => self.membership(kind, object),
            None => RolloutMembership::Unknown,
        }
    }

    fn is_rolled(&self, kind: Kind, meta: &Meta) -> bool {
        match &self.of {
            Of::Release(_) => self.is_released(meta),
            Of::Workloads(these) => these.iter().any(|it| it.kind == kind && it.name == meta.name),
            // No other object of that name is known.
            Of::Selector(_) | Of::Everything => true,
        }
    }

    fn is_released(&self, meta: &Meta) -> bool {
        matches!(&self.of, Of::Release(release) if meta.release() == Some(release))
    }

    /// Whether a service with this selector routes to pods of the rollout.
    fn is_selected(&self, selector: &BTreeMap<String, String>) -> bool {
        let mut rolled = self.objects.iter().filter_map(|(key, object)| match &object.body {
            Body::Workload(progress) if self.is_rolled(key.kind, &object.meta) => Some(&progress.labels),
            _ => None,
        });
        let fits =
            |labels: &BTreeMap<String, String>| selector.iter().all(|(name, value)| labels.get(name) == Some(value));
        !selector.is_empty() && rolled.any(fits)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use lapse_measure::time::UnixTime;
    use lapse_record::event::EventKind;

    /// A cluster in which release `shop` has a deployment with one pod, and another release has one as well.
    struct Cluster(State);

    impl Cluster {
        fn of(of: Of) -> Self {
            let mut cluster = Self(State::new(of));
            for kind in Kind::ALL {
                cluster.0.list(kind);
            }
            for name in ["shop", "other"] {
                cluster.tell(Kind::Deployment, &deployment(name, 1, 1));
                cluster.tell(Kind::ReplicaSet, &owned(name, &format!("{name}-1"), name));
                cluster.tell(Kind::Pod, &owned(&format!("{name}-1"), &format!("{name}-1-a"), name));
                cluster.tell(Kind::Service, &json!({"metadata": {"name": name}, "spec": {"selector": {"app": name}}}));
            }
            for kind in Kind::ALL {
                assert_eq!(cluster.0.listed(kind, Offset::ZERO), []);
            }
            cluster
        }

        fn tell(&mut self, kind: Kind, value: &Value) -> Vec<String> {
            words(self.0.put(kind, Object::read(kind, value).unwrap(), Offset::ZERO))
        }
    }

    fn words(events: Vec<Event>) -> Vec<String> {
        events.into_iter().map(|event| format!("{} {}", event.object.unwrap(), event.kind)).collect()
    }

    fn deployment(name: &str, generation: u64, updated: u64) -> Value {
        json!({
            "metadata": {"name": name, "uid": name, "generation": generation, "annotations": {"meta.helm.sh/release-name": name}},
            "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": name, "tier": "web"}}}},
            "status": {"observedGeneration": generation, "replicas": 1, "updatedReplicas": updated, "availableReplicas": 1},
        })
    }

    fn owned(owner: &str, name: &str, app: &str) -> Value {
        json!({"metadata": {"name": name, "uid": name, "labels": {"app": app}, "ownerReferences": [{"uid": owner, "controller": true}]}})
    }

    fn shop() -> Cluster {
        Cluster::of(Of::Release("shop".into()))
    }

    #[test]
    fn only_objects_of_the_release_are_reported() {
        let mut cluster = shop();
        assert_eq!(cluster.tell(Kind::Deployment, &deployment("shop", 2, 0)), ["deployment/shop rollout-started"]);
        assert_eq!(cluster.tell(Kind::Deployment, &deployment("other", 2, 0)), Vec::<String>::new());
        assert_eq!(cluster.tell(Kind::Pod, &owned("other-1", "other-1-b", "other")), Vec::<String>::new());
        let slice = |service: &str| {
            json!({"metadata": {"name": format!("{service}-x"), "labels": {"kubernetes.io/service-name": service}},
                   "endpoints": [{"addresses": ["10.0.0.9"], "targetRef": {"kind": "Pod", "name": "p"}}]})
        };
        assert_eq!(cluster.tell(Kind::Endpoints, &slice("other")), Vec::<String>::new());
        assert_eq!(cluster.tell(Kind::Endpoints, &slice("shop")), ["pod/p endpoint-added"]);
    }

    #[test]
    fn existing_objects_are_reported_once_and_are_no_change() {
        let mut cluster = shop();
        assert_eq!(
            words(cluster.0.found(Offset::ZERO)),
            ["deployment/shop workload-found", "pod/shop-1-a pod-unready"]
        );
        let mut ready = owned("shop-1", "shop-1-a", "shop");
        ready["status"] = json!({"podIP": "10.0.0.3", "conditions": [{"type": "Ready", "status": "True"}]});
        cluster.tell(Kind::Pod, &ready);
        let slice = json!({"metadata": {"name": "shop-x", "labels": {"kubernetes.io/service-name": "shop"}},
                           "endpoints": [{"addresses": ["10.0.0.3"], "targetRef": {"kind": "Pod", "name": "shop-1-a"}}]});
        cluster.tell(Kind::Endpoints, &slice);
        let found = cluster.0.found(Offset::ZERO);
        assert_eq!(found[1].address, Some("10.0.0.3".parse().unwrap()));
        let all = ["deployment/shop workload-found", "pod/shop-1-a pod-found", "pod/shop-1-a endpoint-found"];
        assert_eq!(words(found), all);
        assert_eq!(cluster.0.status().changes, 0);
    }

    #[test]
    fn a_pod_that_arrives_before_its_owner_waits_for_it() {
        let mut cluster = shop();
        assert_eq!(cluster.tell(Kind::Pod, &owned("shop-2", "shop-2-a", "shop")), Vec::<String>::new());
        assert_eq!(cluster.tell(Kind::ReplicaSet, &owned("shop", "shop-2", "shop")), ["pod/shop-2-a pod-created"]);
        assert_eq!(cluster.0.status().changes, 1);
    }

    #[test]
    fn a_repeated_list_reports_nothing_twice_and_objects_missing_from_it_are_gone() {
        let mut cluster = shop();
        cluster.tell(Kind::Pod, &owned("shop-1", "shop-1-b", "shop"));
        cluster.0.list(Kind::Pod);
        assert_eq!(cluster.tell(Kind::Pod, &owned("shop-1", "shop-1-b", "shop")), Vec::<String>::new());
        assert_eq!(words(cluster.0.listed(Kind::Pod, Offset::ZERO)), ["pod/shop-1-a pod-gone"]);
    }

    #[test]
    fn a_rollout_is_complete_when_its_workload_is_and_no_pod_is_being_deleted() {
        let mut cluster = shop();
        assert_eq!(cluster.0.status(), Status { workloads: 1, ..Status::default() });
        cluster.tell(Kind::Deployment, &deployment("shop", 2, 0));
        assert_eq!(cluster.0.status().missing, ["deployment shop: 0 of 1 pods updated"]);
        cluster.tell(Kind::Deployment, &deployment("shop", 2, 1));
        let mut leaving = owned("shop-1", "shop-1-a", "shop");
        leaving["metadata"]["deletionTimestamp"] = json!("2026-11-22T20:15:33Z");
        leaving["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        let event = cluster.0.put(Kind::Pod, Object::read(Kind::Pod, &leaving).unwrap(), Offset::ZERO).remove(0);
        let asked = UnixTime::from_nanos(1_795_378_503_000_000_000);
        assert_eq!((event.kind, event.source_time), (EventKind::PodDeleting, Some(asked)));
        assert_eq!(cluster.0.status().missing, ["pod shop-1-a is not yet gone"]);
        assert_eq!(words(cluster.0.remove(Kind::Pod, "shop-1-a", Offset::ZERO)), ["pod/shop-1-a pod-gone"]);
        assert_eq!(cluster.0.status().missing, Vec::<String>::new());
    }

    #[test]
    fn a_service_belongs_to_the_workload_whose_pods_it_selects() {
        let mut cluster = Cluster::of(Of::Workloads(vec!["deploy/shop".parse().unwrap()]));
        let switched =
            |name: &str, to: &str| json!({"metadata": {"name": name}, "spec": {"selector": {"app": name, "tier": to}}});
        assert_eq!(cluster.tell(Kind::Service, &switched("shop", "web")), ["service/shop selector-switched"]);
        assert_eq!(cluster.tell(Kind::Service, &switched("other", "web")), Vec::<String>::new());
    }

    #[test]
    fn a_fresh_list_agrees_once_all_objects_are_known_in_that_version() {
        let mut cluster = shop();
        let mut pod = owned("shop-1", "shop-1-a", "shop");
        pod["metadata"]["resourceVersion"] = json!("7");
        cluster.tell(Kind::Pod, &pod);
        let fresh = |names: &[(&str, &str)]| names.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert!(cluster.0.agrees(Kind::Pod, &fresh(&[("shop-1-a", "7"), ("other-1-a", "99")])));
        assert!(!cluster.0.agrees(Kind::Pod, &fresh(&[("shop-1-a", "8")])));
        assert!(!cluster.0.agrees(Kind::Pod, &fresh(&[("shop-1-a", "7"), ("shop-2-a", "9")])));
        assert!(!cluster.0.agrees(Kind::Pod, &fresh(&[])));
    }

    #[test]
    fn objects_that_own_each_other_in_circles_have_no_owner() {
        let mut cluster = shop();
        let about = |kind: &str, name: &str| json!({"metadata": {"name": name, "uid": name}, "involvedObject": {"kind": kind, "name": name}});
        assert_eq!(cluster.tell(Kind::ClusterEvent, &about("Event", "self")), Vec::<String>::new());
        assert_eq!(cluster.tell(Kind::ReplicaSet, &owned("self", "self", "shop")), Vec::<String>::new());
        let scaler = json!({"metadata": {"name": "self"}, "spec": {"scaleTargetRef": {"kind": "HorizontalPodAutoscaler", "name": "self"}}});
        assert_eq!(cluster.tell(Kind::Autoscaler, &scaler), Vec::<String>::new());
    }

    #[test]
    fn a_release_is_followed_from_revision_to_revision() {
        let mut cluster = shop();
        let revision = |version: &str, status: &str| {
            json!({"metadata": {"name": format!("sh.helm.release.v1.shop.v{version}"),
                                "labels": {"owner": "helm", "name": "shop", "version": version, "status": status}}})
        };
        assert_eq!(cluster.tell(Kind::Release, &revision("2", "pending-upgrade")), ["release/shop release-pending"]);
        assert_eq!(cluster.tell(Kind::Release, &revision("1", "superseded")), Vec::<String>::new());
        assert_eq!(cluster.tell(Kind::Release, &revision("2", "deployed")), ["release/shop release-deployed"]);
        assert_eq!(cluster.0.status().changes, 0, "a revision alone rolls nothing");
    }
}
