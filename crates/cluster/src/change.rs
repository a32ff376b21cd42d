//! What happened to an object between two looks at it.

use super::kind::Kind;
use super::object::{Body, ClusterEvent, Object};
use super::{endpoints, pod, workload};

/// Something that happened, in the words of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What sort of thing: `pod-ready`.
    pub(super) kind: &'static str,
    /// For people.
    pub(super) text: String,
    /// When the cluster says that it happened, in nanoseconds since the Unix epoch.
    pub(super) told: Option<u64>,
    /// Whom it happened to: `pod/wine-7d4`.
    pub(super) object: String,
}

impl Change {
    /// Whether it is a part of a rollout, or can do what one does: to change which pods there are, or who is sent to them.
    pub(super) fn rolls(&self) -> bool {
        matches!(
            self.kind,
            "rollout-started"
                | "workload-deleted"
                | "pod-created"
                | "pod-deleting"
                | "selector-switched"
                | "ingress-changed"
        )
    }
}

/// What happened between two looks at one object of this kind; `None` before it was there, and after.
pub(super) fn between(kind: Kind, old: Option<&Object>, new: Option<&Object>) -> Vec<Change> {
    let Some(any) = new.or(old) else { return Vec::new() };
    match &any.body {
        Body::Pod(_) => pod::changes(old.and_then(as_pod), new.and_then(as_pod)),
        Body::Workload(_) => workload::changes(kind, old.and_then(as_workload), new.and_then(as_workload)),
        Body::Endpoints(_) => endpoints::changes(old.and_then(as_members), new.and_then(as_members)),
        Body::ReplicaSet => Vec::new(),
        Body::Service(_) | Body::Ingress { .. } | Body::Autoscaler(_) | Body::Release { .. } => {
            of_the_rest(kind, old, new)
        }
        Body::ClusterEvent(notice) => new.map(|_| of_notice(notice)).into_iter().collect(),
    }
}

/// What there is of one object when nothing has happened to it yet.
pub(super) fn found(object: &Object) -> Vec<Change> {
    match &object.body {
        Body::Pod(pod) => vec![pod::found(&object.meta, pod)],
        Body::Endpoints(members) => endpoints::found(members),
        Body::Workload(_)
        | Body::ReplicaSet
        | Body::Service(_)
        | Body::Ingress { .. }
        | Body::Autoscaler(_)
        | Body::Release { .. }
        | Body::ClusterEvent(_) => Vec::new(),
    }
}

fn as_pod(object: &Object) -> Option<(&super::object::Meta, &pod::Pod)> {
    if let Body::Pod(pod) = &object.body { Some((&object.meta, pod)) } else { None }
}

fn as_workload(object: &Object) -> Option<(&super::object::Meta, &workload::Progress)> {
    if let Body::Workload(progress) = &object.body { Some((&object.meta, progress)) } else { None }
}

fn as_members(object: &Object) -> Option<&endpoints::Membership> {
    if let Body::Endpoints(members) = &object.body { Some(members) } else { None }
}

fn of_the_rest(kind: Kind, old: Option<&Object>, new: Option<&Object>) -> Vec<Change> {
    let Some(name) = new.or(old).map(|object| &object.meta.name) else { return Vec::new() };
    let noun = kind.noun();
    let told = |change, text: String| Change { kind: change, text, told: None, object: format!("{noun}/{name}") };
    let change = match (old.map(|object| &object.body), new.map(|object| &object.body)) {
        (old, Some(Body::Release { revision, status })) if old != new.map(|object| &object.body) => {
            let Some(change) = release_word(status) else { return Vec::new() };
            let object = new.and_then(|object| object.meta.labels.get("name")).map_or("", String::as_str);
            let text = format!("release {object} revision {revision} is {status}");
            Change { object: format!("release/{object}"), ..told(change, text) }
        }
        (None, Some(_)) => told("created", format!("{noun} {name} is created")),
        (Some(Body::Release { .. }), None) => return Vec::new(),
        (Some(_), None) => told("deleted", format!("{noun} {name} is deleted")),
        (Some(Body::Service(was)), Some(Body::Service(is))) if was.selector != is.selector => {
            let labels: Vec<_> = is.selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
            told("selector-switched", format!("service {name} now selects {}", labels.join(", ")))
        }
        (Some(Body::Ingress { services: was }), Some(Body::Ingress { services: is })) if was != is => {
            told("ingress-changed", format!("ingress {name} now sends to {}", is.join(", ")))
        }
        (Some(Body::Autoscaler(was)), Some(Body::Autoscaler(is))) if was.desired != is.desired => {
            told("hpa-scaled", format!("hpa {name} wants {} replicas instead of {}", is.desired, was.desired))
        }
        _ => return Vec::new(),
    };
    vec![change]
}

/// What a revision that gets this status means for its release; nothing if another one has taken its place.
fn release_word(status: &str) -> Option<&'static str> {
    match status {
        "deployed" => Some("release-deployed"),
        "failed" => Some("release-failed"),
        "superseded" | "uninstalled" => None,
        _ => Some("release-pending"),
    }
}

fn of_notice(notice: &ClusterEvent) -> Change {
    let (kind, name) = &notice.about;
    let noun = Kind::named(kind).map_or_else(|| kind.to_ascii_lowercase(), |kind| kind.noun().to_owned());
    Change {
        kind: if notice.warning { "warned" } else { "noted" },
        text: format!("{noun} {name}: {}: {}", notice.reason, notice.message),
        told: notice.at.as_ref().and_then(super::object::Instant::unix_ns),
        object: format!("{noun}/{name}"),
    }
}
