//! The changes between two versions of an object, by its kind.

use super::change::Change;
use super::kind::Kind;
use super::meta::{Instant, Meta};
use super::object::{Body, ClusterEvent, Object, ObjectReference, Port};
use super::{endpoints, pod, workload};
use lapse_record::event::detail::{Detail, Notice};
use lapse_record::event::{EventKind, Object as ReportObject, ObjectKind};

/// The changes between two versions of an object of this kind; `None` stands for an object that does not exist.
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

/// The state of an object of this kind that already existed when the watch began.
pub(super) fn found(kind: Kind, object: &Object) -> Vec<Change> {
    match &object.body {
        Body::Pod(pod) => vec![pod::found(&object.meta, pod)],
        Body::Endpoints(members) => endpoints::found(members),
        Body::Workload(progress) => vec![workload::found(kind, &object.meta, progress)],
        Body::ReplicaSet
        | Body::Service(_)
        | Body::Ingress { .. }
        | Body::Autoscaler(_)
        | Body::Release { .. }
        | Body::ClusterEvent(_) => Vec::new(),
    }
}

fn as_pod(object: &Object) -> Option<(&Meta, &pod::Pod)> {
    if let Body::Pod(pod) = &object.body { Some((&object.meta, pod)) } else { None }
}

fn as_workload(object: &Object) -> Option<(&Meta, &workload::Progress)> {
    if let Body::Workload(progress) = &object.body { Some((&object.meta, progress)) } else { None }
}

fn as_members(object: &Object) -> Option<&endpoints::Membership> {
    if let Body::Endpoints(members) = &object.body { Some(members) } else { None }
}

fn of_the_rest(kind: Kind, old: Option<&Object>, new: Option<&Object>) -> Vec<Change> {
    let Some(name) = new.or(old).map(|object| &object.meta.name) else { return Vec::new() };
    let noun = kind.object_kind();
    let told = |change, text: String| {
        let object = ReportObject::new(kind.object_kind(), name);
        Change { kind: change, text, source_time: None, object, detail: None }
    };
    let change = match (old.map(|object| &object.body), new.map(|object| &object.body)) {
        (old, Some(Body::Release { revision, status })) if old != new.map(|object| &object.body) => {
            let Some(change) = release_kind(status) else { return Vec::new() };
            let object = new.and_then(|object| object.meta.labels.get("name")).map_or("", String::as_str);
            let text = format!("release {object} revision {revision} is {status}");
            Change { object: ReportObject::new(ObjectKind::Release, object), ..told(change, text) }
        }
        (None, Some(_)) => told(EventKind::Created, format!("{noun} {name} is created")),
        (Some(Body::Release { .. }), None) => return Vec::new(),
        (Some(_), None) => told(EventKind::Deleted, format!("{noun} {name} is deleted")),
        (Some(Body::Service(was)), Some(Body::Service(is))) if was.selector != is.selector => {
            let labels: Vec<_> = is.selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
            told(EventKind::SelectorSwitched, format!("service {name} now selects {}", labels.join(", ")))
        }
        (Some(Body::Service(was)), Some(Body::Service(is))) if was.ports != is.ports => {
            let ports: Vec<_> = is.ports.iter().map(port_in_words).collect();
            told(EventKind::PortsChanged, format!("service {name} now sends {}", ports.join(", ")))
        }
        (Some(Body::Ingress { services: was }), Some(Body::Ingress { services: is })) if was != is => {
            told(EventKind::IngressChanged, format!("ingress {name} now sends to {}", is.join(", ")))
        }
        (Some(Body::Autoscaler(was)), Some(Body::Autoscaler(is))) if was.desired != is.desired => {
            told(EventKind::HpaScaled, format!("hpa {name} wants {} replicas instead of {}", is.desired, was.desired))
        }
        _ => return Vec::new(),
    };
    vec![change]
}

/// `80 to 8080`, or `80 to http` where the port of the pods has a name.
fn port_in_words(port: &Port) -> String {
    let target = port.target.as_ref().map(|target| target.as_str().map_or_else(|| target.to_string(), str::to_owned));
    format!("{} to {}", port.port, target.unwrap_or_else(|| port.port.to_string()))
}

/// The change of a release that this status of a revision means; `None` if another revision has superseded it.
fn release_kind(status: &str) -> Option<EventKind> {
    match status {
        "deployed" => Some(EventKind::ReleaseDeployed),
        "failed" => Some(EventKind::ReleaseFailed),
        "superseded" | "uninstalled" => None,
        _ => Some(EventKind::ReleasePending),
    }
}

fn of_notice(notice: &ClusterEvent) -> Change {
    let ObjectReference { kind, name } = &notice.about;
    let unknown = || ObjectKind::Other(kind.to_ascii_lowercase());
    let noun = Kind::named(kind).map_or_else(unknown, Kind::object_kind);
    Change {
        kind: if notice.warning { EventKind::Warned } else { EventKind::Noted },
        text: format!("{noun} {name}: {}: {}", notice.reason, notice.message),
        source_time: notice.at.as_ref().and_then(Instant::unix_time),
        object: ReportObject::new(noun, name),
        detail: Some(Detail::Notice(Notice { reason: notice.reason.clone(), probe: notice.probe() })),
    }
}
