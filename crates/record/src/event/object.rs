//! Objects of events: a pod, a workload, a hop and so on, by kind and name.

use std::fmt;

use super::words::words;

words! {
    /// The kind of an object.
    ObjectKind {
        Deployment = "deployment": "Kubernetes' `Deployment`.";
        StatefulSet = "statefulset": "Kubernetes' `StatefulSet`.";
        DaemonSet = "daemonset": "Kubernetes' `DaemonSet`.";
        Rollout = "rollout": "A `Rollout` of Argo Rollouts.";
        ReplicaSet = "replicaset": "Kubernetes' `ReplicaSet`.";
        Pod = "pod": "A pod, of a cluster or of the lab.";
        Endpoints = "endpoints": "The endpoints of a service: the pods that requests are sent to.";
        Service = "service": "Kubernetes' `Service`.";
        Ingress = "ingress": "Kubernetes' `Ingress`.";
        Autoscaler = "hpa": "Kubernetes' `HorizontalPodAutoscaler`.";
        Release = "release": "A Helm release.";
        ClusterEvent = "event": "Kubernetes' `Event`.";
        Hop = "hop": "A proxy or load balancer of the lab.";
    }
}

/// The object that an event is about; kind and name identify it within a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// The kind of object; `Other("")` if the text in a journal has no kind.
    pub kind: ObjectKind,
    /// The object's name, unique within its kind.
    pub name: String,
}

impl Object {
    /// An object of this kind and name.
    pub fn new(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// Parses `kind/name`. Every text is accepted, and [`Display`](fmt::Display) gives the same text back.
    pub fn from_text(text: &str) -> Self {
        match text.split_once('/').filter(|(kind, _)| !kind.is_empty()) {
            Some((kind, name)) => Self::new(ObjectKind::from_name(kind), name),
            None => Self::new(ObjectKind::Other(String::new()), text),
        }
    }

    /// Whether the object is a pod, of a cluster or of the lab.
    pub fn is_pod(&self) -> bool {
        self.kind == ObjectKind::Pod
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.name() {
            "" => f.write_str(&self.name),
            kind => write!(f, "{kind}/{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_parsed_as_an_object_and_printed_unchanged() {
        let wine = Object::new(ObjectKind::Pod, "wine-1");
        assert_eq!((wine.to_string().as_str(), Object::from_text("pod/wine-1")), ("pod/wine-1", wine));
        assert_eq!(Object::from_text("cronjob/a/b"), Object::new(ObjectKind::Other("cronjob".to_owned()), "a/b"));
        for text in ["", "/", "pod", "/pod", "pod/", "pod//", "hop/elb", "</script>"] {
            assert_eq!(Object::from_text(text).to_string(), text);
        }
        for kind in ObjectKind::KNOWN {
            assert_eq!(ObjectKind::from_name(kind.name()), *kind);
        }
    }
}
