//! What an event happened to.

use std::fmt;

use super::words::words;

words! {
    /// What sort of object an event happened to.
    ObjectKind {
        Deployment = "deployment": "Kubernetes' `Deployment`.";
        StatefulSet = "statefulset": "Kubernetes' `StatefulSet`.";
        DaemonSet = "daemonset": "Kubernetes' `DaemonSet`.";
        ReplicaSet = "replicaset": "Kubernetes' `ReplicaSet`.";
        Pod = "pod": "A pod, of a cluster or of the lab.";
        Endpoints = "endpoints": "The list of who answers for a service.";
        Service = "service": "Kubernetes' `Service`.";
        Ingress = "ingress": "Kubernetes' `Ingress`.";
        Autoscaler = "hpa": "Kubernetes' `HorizontalPodAutoscaler`.";
        Release = "release": "A release of Helm.";
        ClusterEvent = "event": "What the cluster itself calls an Event.";
        Hop = "hop": "A proxy or load balancer of the lab.";
    }
}

/// What an event happened to: its kind, and its name among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// What sort of object it is; `Other("")` if the journal of another version gives none.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

impl Object {
    /// The object of this kind and name.
    pub fn new(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The object that is spelt `kind/name`. No text is refused: [`Display`](fmt::Display) gives the same text again.
    pub fn from_text(text: &str) -> Self {
        match text.split_once('/').filter(|(kind, _)| !kind.is_empty()) {
            Some((kind, name)) => Self::new(ObjectKind::from_name(kind), name),
            None => Self::new(ObjectKind::Other(String::new()), text),
        }
    }

    /// Whether it is a pod.
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
    fn an_object_is_read_back_from_its_text_whatever_that_is() {
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
