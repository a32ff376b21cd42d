//! The kinds of objects that are watched, and under which names a cluster serves them.

use lapse_record::event::ObjectKind;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    /// A workload of Argo Rollouts, which not every cluster serves.
    Rollout,
    ReplicaSet,
    Pod,
    Endpoints,
    Service,
    Ingress,
    Autoscaler,
    /// A revision of a Helm release: a Secret, of which only the metadata is read.
    Release,
    /// A Kubernetes Event: a remark of a component about another object.
    ClusterEvent,
}

/// The API group, version and plural under which a cluster serves a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
}

const fn served(group: &'static str, version: &'static str, kind: &'static str, plural: &'static str) -> Served {
    Served { group, version, kind, plural }
}

impl Kind {
    /// Every kind, owners before the objects that they own.
    pub(super) const ALL: [Self; 12] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Rollout,
        Self::ReplicaSet,
        Self::Pod,
        Self::Service,
        Self::Endpoints,
        Self::Ingress,
        Self::Autoscaler,
        Self::Release,
        Self::ClusterEvent,
    ];

    /// The names under which the kind may be served, the preferred one first.
    pub(super) const fn served(self) -> &'static [Served] {
        match self {
            Self::Deployment => const { &[served("apps", "v1", "Deployment", "deployments")] },
            Self::StatefulSet => const { &[served("apps", "v1", "StatefulSet", "statefulsets")] },
            Self::DaemonSet => const { &[served("apps", "v1", "DaemonSet", "daemonsets")] },
            Self::Rollout => const { &[served("argoproj.io", "v1alpha1", "Rollout", "rollouts")] },
            Self::ReplicaSet => const { &[served("apps", "v1", "ReplicaSet", "replicasets")] },
            Self::Pod => const { &[served("", "v1", "Pod", "pods")] },
            Self::Endpoints => {
                const {
                    &[
                        served("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
                        served("discovery.k8s.io", "v1beta1", "EndpointSlice", "endpointslices"),
                        served("", "v1", "Endpoints", "endpoints"),
                    ]
                }
            }
            Self::Service => const { &[served("", "v1", "Service", "services")] },
            Self::Ingress => {
                const {
                    &[
                        served("networking.k8s.io", "v1", "Ingress", "ingresses"),
                        served("networking.k8s.io", "v1beta1", "Ingress", "ingresses"),
                    ]
                }
            }
            Self::Autoscaler => {
                const {
                    &[
                        served("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
                        served("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
                    ]
                }
            }
            Self::Release => const { &[served("", "v1", "Secret", "secrets")] },
            Self::ClusterEvent => const { &[served("", "v1", "Event", "events")] },
        }
    }

    /// The kind with this name in the API; `None` for other names.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.served().iter().any(|served| served.kind == name))
    }

    /// The word for the kind before an object's name in reports: `pod/wine-7d4`.
    pub(super) const fn object_kind(self) -> ObjectKind {
        match self {
            Self::Deployment => ObjectKind::Deployment,
            Self::StatefulSet => ObjectKind::StatefulSet,
            Self::DaemonSet => ObjectKind::DaemonSet,
            Self::Rollout => ObjectKind::Rollout,
            Self::ReplicaSet => ObjectKind::ReplicaSet,
            Self::Pod => ObjectKind::Pod,
            Self::Endpoints => ObjectKind::Endpoints,
            Self::Service => ObjectKind::Service,
            Self::Ingress => ObjectKind::Ingress,
            Self::Autoscaler => ObjectKind::Autoscaler,
            Self::Release => ObjectKind::Release,
            Self::ClusterEvent => ObjectKind::ClusterEvent,
        }
    }

    /// Whether objects of this kind run pods and roll them.
    pub(super) const fn is_workload(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Rollout)
    }

    /// Whether a rollout cannot be followed without this kind.
    pub(super) const fn is_needed(self) -> bool {
        self.is_workload() || matches!(self, Self::ReplicaSet | Self::Pod)
    }

    /// The kind of workload that this word names in any of kubectl's spellings.
    pub(super) fn typed(word: &str) -> Option<Self> {
        match word.split_once('.').map_or(word, |(plain, _)| plain).to_ascii_lowercase().as_str() {
            "deploy" | "deployment" | "deployments" => Some(Self::Deployment),
            "sts" | "statefulset" | "statefulsets" => Some(Self::StatefulSet),
            "ds" | "daemonset" | "daemonsets" => Some(Self::DaemonSet),
            "ro" | "rollout" | "rollouts" => Some(Self::Rollout),
            _ => None,
        }
    }
}
