//! A workload: its pod template, and how its pods are replaced, with the defaults of the API server.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::container::Container;
use super::field::Field;
use super::object::{Kind, Object};
use super::quantity::Pods;

/// The grace period of a pod that names none, in seconds.
const GRACE: i64 = 30;

/// The number of containers of a pod that are looked at.
const MOST_CONTAINERS: usize = 250;

/// An object with a pod template.
#[derive(Clone, Debug)]
pub(crate) struct Workload<'a> {
    /// Its place among the workloads of the input.
    pub(crate) index: usize,
    pub(crate) object: &'a Object,
    pub(crate) spec: Field<'a>,
    pub(crate) template: Field<'a>,
    /// The spec of its pods.
    pub(crate) pod: Field<'a>,
    /// The labels of its pods.
    pub(crate) labels: HashSet<(&'a str, &'a str)>,
    /// The containers that run as long as the pod, native sidecars after the others.
    pub(crate) containers: Vec<Container<'a>>,
}

/// How the pods of a workload are replaced.
#[derive(Clone, Debug)]
pub(crate) enum Strategy<'a> {
    /// A few at a time, by a Deployment or the canary strategy of a Rollout.
    Rolling(Rolling<'a>),
    /// All old pods go first.
    Recreate(Field<'a>),
    /// A whole second set of pods, then the Service's selector is switched.
    BlueGreen(Field<'a>),
    /// Each pod goes before its successor comes, as in a `StatefulSet`.
    InPlace,
    /// On each node the old pod goes before the new one comes, as in a `DaemonSet` by default.
    PerNode(Rolling<'a>),
    /// Nothing replaces pods when the template changes.
    Manual,
}

/// The limits of a rolling update.
#[derive(Clone, Debug)]
pub(crate) struct Rolling<'a> {
    /// The path at which the limits are, or would be, under `rollingUpdate` or `canary`.
    pub(crate) field: Field<'a>,
    pub(crate) surge: Pods,
    pub(crate) unavailable: Pods,
}

impl<'a> Workload<'a> {
    /// The workload that `object` is, if it is one.
    pub(crate) fn new(object: &'a Object) -> Option<Self> {
        let root = Field::root(object);
        let spec = root.get("spec");
        let template = match object.kind {
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Rollout | Kind::Job => {
                spec.get("template")
            }
            Kind::CronJob => spec.dig("jobTemplate.spec.template"),
            Kind::Pod => root,
            _ => return None,
        };
        let pod = template.get("spec");
        let main = pod.get("containers").items().into_iter().map(|field| Container::new(field, false));
        let native = pod.get("initContainers").items().into_iter();
        let native = native.filter(|field| field.get("restartPolicy").is("Always"));
        let containers = main.chain(native.map(|field| Container::new(field, true))).take(MOST_CONTAINERS).collect();
        Some(Self {
            index: 0,
            object,
            spec,
            labels: template.dig("metadata.labels").pairs().into_iter().collect(),
            containers,
            pod,
            template,
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.object.kind
    }

    /// Whether a change of the template replaces its pods while a Service may send them requests.
    pub(crate) fn is_rolled(&self) -> bool {
        let kind = matches!(self.kind(), Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout);
        kind && !matches!(self.strategy(), Strategy::Manual) && !self.is_hook()
    }

    /// Whether helm runs it as a hook.
    pub(crate) fn is_hook(&self) -> bool {
        Field::root(self.object).dig("metadata.annotations").get("helm.sh/hook").is_there()
    }

    /// The containers other than native sidecars.
    pub(crate) fn main_containers(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| !container.native_sidecar)
    }

    /// The field of the grace period.
    pub(crate) fn grace_field(&self) -> Field<'a> {
        self.pod.get("terminationGracePeriodSeconds")
    }

    /// The grace period, in seconds.
    pub(crate) fn grace(&self) -> i64 {
        self.grace_field().integer().unwrap_or(GRACE)
    }

    pub(crate) fn annotation(&self, name: &str) -> Field<'a> {
        self.template.dig("metadata.annotations").get(name)
    }

    pub(crate) fn strategy(&self) -> Strategy<'a> {
        match self.kind() {
            Kind::Deployment => self.deployment_strategy(),
            Kind::Rollout => {
                let strategy = self.spec.get("strategy");
                if strategy.get("blueGreen").is_there() {
                    return Strategy::BlueGreen(strategy.get("blueGreen"));
                }
                Strategy::Rolling(rolling(strategy.get("canary"), Pods::Percent(25), Pods::Percent(25)))
            }
            Kind::StatefulSet | Kind::DaemonSet if self.spec.dig("updateStrategy.type").is("OnDelete") => {
                Strategy::Manual
            }
            Kind::StatefulSet => Strategy::InPlace,
            Kind::DaemonSet => {
                let field = self.spec.dig("updateStrategy.rollingUpdate");
                Strategy::PerNode(rolling(field, Pods::Number(0), Pods::Number(1)))
            }
            _ => Strategy::Manual,
        }
    }

    fn deployment_strategy(&self) -> Strategy<'a> {
        let kind = self.spec.dig("strategy.type");
        if kind.is("Recreate") {
            return Strategy::Recreate(kind);
        }
        let field = self.spec.dig("strategy.rollingUpdate");
        Strategy::Rolling(rolling(field, Pods::Percent(25), Pods::Percent(25)))
    }

    /// The names of the claims that its pods mount.
    pub(crate) fn claims(&self) -> Vec<Field<'a>> {
        let volumes = self.pod.get("volumes").items().into_iter();
        volumes.map(|volume| volume.dig("persistentVolumeClaim.claimName")).filter(Field::is_there).collect()
    }

    /// Whether its pods need ports of their node.
    pub(crate) fn host_port(&self) -> Option<Field<'a>> {
        let network = self.pod.get("hostNetwork");
        let declares = self.containers.iter().any(|container| !container.ports.is_empty());
        if network.is_true() && declares {
            return Some(network);
        }
        let mut ports = self.containers.iter().flat_map(|container| &container.ports);
        ports.find_map(|port| Some(port.field.get("hostPort")).filter(|field| field.integer().is_some_and(|n| n > 0)))
    }

    /// A patch of the pod's spec as a patch of the object.
    pub(crate) fn patch_pod(&self, pod: &Value) -> Value {
        match self.kind() {
            Kind::CronJob => json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}),
            Kind::Pod => json!({"spec": pod}),
            _ => json!({"spec": {"template": {"spec": pod}}}),
        }
    }

    /// A patch of a container as a patch of the object.
    pub(crate) fn patch_container(&self, container: &Container<'_>, mut patch: Value) -> Value {
        if let Some(fields) = patch.as_object_mut() {
            fields.insert("name".to_owned(), json!(container.name));
        }
        let list = if container.native_sidecar { "initContainers" } else { "containers" };
        self.patch_pod(&json!({list: [patch]}))
    }
}

fn rolling(field: Field<'_>, surge: Pods, unavailable: Pods) -> Rolling<'_> {
    let read = |key: &str, default| field.get(key).text().and_then(Pods::parse).unwrap_or(default);
    Rolling { surge: read("maxSurge", surge), unavailable: read("maxUnavailable", unavailable), field }
}

impl Rolling<'_> {
    /// The pods that may be added and the pods that may be missing, of `replicas`; if both round to none, one may be
    /// missing.
    pub(crate) fn resolve(&self, replicas: u32) -> (u32, u32) {
        let (surge, unavailable) = (self.surge.up(replicas), self.unavailable.down(replicas));
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(replicas)) }
    }
}
