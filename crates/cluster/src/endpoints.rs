//! The endpoints of a service, in any of the three forms in which clusters serve them: `EndpointSlice` of v1 and of
//! v1beta1, and `Endpoints`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::change::Change;
use super::meta::{Meta, part};
use lapse_record::event::{EventKind, Object as ReportObject, ObjectKind};

/// The members of one list; a service may have several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Membership {
    /// The service that the members belong to.
    pub(super) service: String,
    /// Whether each member takes connections, by the name of its pod, or by its address if it is no pod.
    members: BTreeMap<Member, Readiness>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Pod(String),
    Address(String),
}

/// Whether a member takes new connections. A proxy sends to those that are ready; if there are none, to those
/// that still serve while they terminate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Readiness {
    #[default]
    Out,
    Leaving,
    In,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Endpoint {
    addresses: Vec<String>,
    conditions: Conditions,
    target_ref: Option<Target>,
}

/// A condition that is absent counts as true for `ready` and `serving`, and false of `terminating`
/// (<https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions>).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Conditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Subset {
    addresses: Vec<Address>,
    not_ready_addresses: Vec<Address>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Address {
    ip: String,
    target_ref: Option<Target>,
}

/// Reads a list of members.
pub(super) fn read(meta: &Meta, value: &Value) -> Result<Membership, serde_json::Error> {
    let mut members = BTreeMap::new();
    for endpoint in part::<Vec<Endpoint>>(value, "/endpoints")? {
        let address = endpoint.addresses.into_iter().next().unwrap_or_default();
        members.insert(Member::of(endpoint.target_ref, address), endpoint.conditions.readiness());
    }
    for subset in part::<Vec<Subset>>(value, "/subsets")? {
        let ready = subset.addresses.into_iter().map(|address| (address, Readiness::In));
        let other = subset.not_ready_addresses.into_iter().map(|address| (address, Readiness::Out));
        members.extend(
            ready.chain(other).map(|(address, readiness)| (Member::of(address.target_ref, address.ip), readiness)),
        );
    }
    // A slice names its service in a label; an Endpoints object has the name of its service.
    let service = meta.labels.get("kubernetes.io/service-name").unwrap_or(&meta.name).clone();
    Ok(Membership { service, members })
}

/// The changes between two versions of a list of endpoints.
pub(super) fn changes(old: Option<&Membership>, new: Option<&Membership>) -> Vec<Change> {
    let Some(service) = new.or(old).map(|members| members.service.as_str()) else { return Vec::new() };
    let readiness = |members: Option<&Membership>, member: &Member| {
        members.and_then(|members| members.members.get(member).copied()).unwrap_or_default()
    };
    let all = old.into_iter().chain(new).flat_map(|members| members.members.keys());
    let all: std::collections::BTreeSet<_> = all.collect();
    let changed = all.into_iter().map(|member| (member, readiness(old, member), readiness(new, member)));
    changed.filter(|(_, was, is)| was != is).map(|(member, was, is)| member.change(service, was, is)).collect()
}

/// The members that took connections when the watch began.
pub(super) fn found(slice: &Membership) -> Vec<Change> {
    let members = slice.members.iter().filter(|(_, readiness)| **readiness == Readiness::In);
    members.map(|(member, _)| member.found(&slice.service)).collect()
}

impl Conditions {
    fn readiness(&self) -> Readiness {
        let ready = self.ready.unwrap_or(true);
        match (ready, self.serving.unwrap_or(ready), self.terminating.unwrap_or(false)) {
            (true, ..) => Readiness::In,
            (false, true, true) => Readiness::Leaving,
            _ => Readiness::Out,
        }
    }
}

impl Member {
    fn of(target: Option<Target>, address: String) -> Self {
        match target {
            Some(target) if target.kind == "Pod" => Self::Pod(target.name),
            _ => Self::Address(address),
        }
    }

    /// The name of a member, and its row in reports.
    fn name(&self, service: &str) -> (&str, ReportObject) {
        match self {
            Self::Pod(name) => (name, ReportObject::new(ObjectKind::Pod, name)),
            Self::Address(address) => (address, ReportObject::new(ObjectKind::Endpoints, service)),
        }
    }

    fn found(&self, service: &str) -> Change {
        let (name, object) = self.name(service);
        let text = format!("{name} is in the endpoints of service {service}");
        Change { kind: EventKind::EndpointFound, text, source_time: None, object, detail: None }
    }

    fn change(&self, service: &str, was: Readiness, is: Readiness) -> Change {
        let (name, object) = self.name(service);
        let (kind, text) = match (was, is) {
            (_, Readiness::In) => {
                (EventKind::EndpointAdded, format!("{name} joins the endpoints of service {service}"))
            }
            (Readiness::In, _) => {
                (EventKind::EndpointRemoved, format!("{name} leaves the endpoints of service {service}"))
            }
            _ => (EventKind::EndpointChanged, format!("{name} changes in the endpoints of service {service}")),
        };
        Change { kind, text, source_time: None, object, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: &Value) -> Membership {
        read(&part(value, "/metadata").unwrap(), value).unwrap()
    }

    fn slice(conditions: &Value) -> Membership {
        members(&json!({
            "metadata": {"name": "wine-x7", "labels": {"kubernetes.io/service-name": "wine"}},
            "endpoints": [{"addresses": ["10.0.0.3"], "conditions": conditions, "targetRef": {"kind": "Pod", "name": "wine-1"}}],
        }))
    }

    #[test]
    fn all_three_forms_tell_the_same() {
        let old = members(&json!({
            "metadata": {"name": "wine"},
            "subsets": [{"addresses": [{"ip": "10.0.0.3", "targetRef": {"kind": "Pod", "name": "wine-1"}}]}],
        }));
        assert_eq!(old, slice(&json!({"ready": true, "serving": true, "terminating": false})));
        assert_eq!(old, slice(&json!({})), "v1beta1 may say nothing");
        assert_eq!((old.service.as_str(), old.members.len()), ("wine", 1));
    }

    #[test]
    fn who_terminates_leaves_even_if_it_still_serves() {
        let (was, is) =
            (slice(&json!({"ready": true})), slice(&json!({"ready": false, "serving": true, "terminating": true})));
        let told: Vec<_> =
            changes(Some(&was), Some(&is)).into_iter().map(|change| (change.kind, change.object)).collect();
        assert_eq!(told, [(EventKind::EndpointRemoved, ReportObject::new(ObjectKind::Pod, "wine-1"))]);
    }

    #[test]
    fn a_list_that_is_deleted_takes_all_its_members_away() {
        assert_eq!(changes(Some(&slice(&json!({"ready": true}))), None).len(), 1);
        assert_eq!(changes(None, Some(&slice(&json!({"ready": false})))), []);
    }
}
