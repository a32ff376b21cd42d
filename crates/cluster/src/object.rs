//! The parts of an object that are read: its owner, and the state that can change. The rest is left unread.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::endpoints::{self, Membership};
use super::kind::Kind;
use super::meta::{Instant, Meta, part};
use super::pod::Pod;
use super::workload::Progress;
use lapse_record::event::detail::Probe;

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) meta: Meta,
    pub(super) body: Body,
}

/// The part of an object that depends on its kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Workload(Progress),
    ReplicaSet,
    Pod(Pod),
    Endpoints(Membership),
    Service(Service),
    Ingress { services: Vec<String> },
    Autoscaler(Autoscaler),
    Release { revision: String, status: String },
    ClusterEvent(ClusterEvent),
}

/// A service: the labels of the pods that it sends to, and the addresses and ports at which it answers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Service {
    pub(super) selector: BTreeMap<String, String>,
    #[serde(rename = "clusterIP")]
    pub(super) address: String,
    pub(super) ports: Vec<Port>,
}

/// A port of a service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Port {
    pub(super) port: u16,
    /// The port of the pods, by its number or its name; `None` if it is the same.
    #[serde(rename = "targetPort")]
    pub(super) target: Option<Value>,
}

/// A reference from one object to another: the cluster's word for the kind, and the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectReference {
    pub(super) kind: String,
    pub(super) name: String,
}

/// The state of a horizontal pod autoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Autoscaler {
    /// The workload that is scaled.
    pub(super) target: ObjectReference,
    pub(super) desired: u64,
}

/// A Kubernetes Event about another object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClusterEvent {
    pub(super) about: ObjectReference,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) warning: bool,
    pub(super) at: Option<Instant>,
    pub(super) count: u64,
}

impl ClusterEvent {
    /// The probe that failed, by the words with which the kubelet begins the message of an `Unhealthy` Event.
    pub(super) fn probe(&self) -> Option<Probe> {
        let probes = [("Readiness", Probe::Readiness), ("Liveness", Probe::Liveness), ("Startup", Probe::Startup)];
        let named = probes.into_iter().find(|(word, _)| self.message.starts_with(word));
        named.filter(|_| self.reason == "Unhealthy").map(|(_, probe)| probe)
    }
}

impl Object {
    /// Reads the JSON of an object of this kind. A missing part takes its default; a part of another shape is an error.
    pub(super) fn read(kind: Kind, value: &Value) -> Result<Self, serde_json::Error> {
        let meta = part(value, "/metadata")?;
        let body = match kind {
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout => {
                Body::Workload(Progress::read(kind, value)?)
            }
            Kind::ReplicaSet => Body::ReplicaSet,
            Kind::Pod => Body::Pod(part::<Pod>(value, "/status")?.at(port(value))),
            Kind::Endpoints => Body::Endpoints(endpoints::read(&meta, value)?),
            Kind::Service => Body::Service(part(value, "/spec")?),
            Kind::Ingress => Body::Ingress { services: services(value) },
            Kind::Autoscaler => Body::Autoscaler(Autoscaler {
                target: ObjectReference::read(value, "/spec/scaleTargetRef"),
                desired: value.pointer("/status/desiredReplicas").and_then(Value::as_u64).unwrap_or(0),
            }),
            Kind::Release => release(&meta),
            Kind::ClusterEvent => Body::ClusterEvent(notice(value)?),
        };
        Ok(Self { meta, body })
    }
}

impl ObjectReference {
    /// The reference at `pointer`; empty where there is none.
    fn read(value: &Value, pointer: &str) -> Self {
        let field = |name: &str| text(value, &format!("{pointer}/{name}"));
        Self { kind: field("kind"), name: field("name") }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The first port that a pod's containers name.
fn port(value: &Value) -> Option<u16> {
    let containers = value.pointer("/spec/containers")?.as_array()?;
    let port = containers.iter().find_map(|container| container.pointer("/ports/0/containerPort")?.as_u64())?;
    u16::try_from(port).ok()
}

/// The services that an Ingress sends to, by either version of its words.
fn services(value: &Value) -> Vec<String> {
    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                let named = fields.get("serviceName").or_else(|| fields.get("service").and_then(|it| it.get("name")));
                into.extend(named.and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| collect(field, into));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
    let mut services = Vec::new();
    collect(value.pointer("/spec").unwrap_or(&Value::Null), &mut services);
    services
}

fn release(meta: &Meta) -> Body {
    let label = |name: &str| meta.labels.get(name).cloned().unwrap_or_default();
    Body::Release { revision: label("version"), status: label("status") }
}

fn notice(value: &Value) -> Result<ClusterEvent, serde_json::Error> {
    let at = |pointer: &str| part::<Option<Instant>>(value, pointer);
    Ok(ClusterEvent {
        about: ObjectReference::read(value, "/involvedObject"),
        reason: text(value, "/reason"),
        message: text(value, "/message"),
        warning: text(value, "/type") == "Warning",
        at: at("/lastTimestamp")?.or(at("/eventTime")?),
        count: value.pointer("/count").and_then(Value::as_u64).unwrap_or(1),
    })
}
