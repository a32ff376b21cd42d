//! Sources read into objects, and what is said of what could not be read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::documents::{self, Document};
use super::sanitize::sanitize;
use super::{MOST_BYTES, MOST_NODES, Remark, Source};
use lapse_yaml::{Node, Unreadable, Value, Why};

/// A kind of object that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    /// A Rollout of Argo Rollouts.
    Rollout,
    Job,
    CronJob,
    Pod,
    Service,
    Ingress,
    HttpRoute,
    /// A `HorizontalPodAutoscaler`, or a `ScaledObject` of KEDA, which makes one.
    Autoscaler,
    DisruptionBudget,
    ConfigMap,
    VolumeClaim,
    Namespace,
    /// A kind of Kubernetes itself that matters to no rule.
    Other,
    /// A kind that is not one of Kubernetes itself.
    Custom,
}

/// The name of an object, as findings give it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The kind as written, such as `Deployment`.
    pub kind: String,
    /// The namespace, if the manifest has one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// An object of a manifest.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) source: Arc<str>,
    /// The number of the document in its source, counted from one.
    pub(crate) document: usize,
    pub(crate) template: Option<Arc<str>>,
    pub(crate) kind: Kind,
    pub(crate) api_version: String,
    pub(crate) named: ObjectName,
    /// As [`ObjectName`], not made harmless: to compare with other texts of the manifests.
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) root: Arc<Node>,
    /// The path of the object in its document: `items[3]` in a List, else empty.
    pub(crate) prefix: String,
}

/// What the sources hold.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) objects: Vec<Object>,
    pub(crate) said: Vec<Remark>,
    pub(crate) documents: usize,
    pub(crate) unread: usize,
}

/// Reads all sources.
pub(crate) fn read(sources: &[Source<'_>]) -> Contents {
    let mut reader = Reader { contents: Contents::default(), nodes: MOST_NODES, full: false, strange: BTreeMap::new() };
    for source in sources {
        reader.source(*source);
    }
    reader.end()
}

/// Reads sources one by one.
#[derive(Debug)]
struct Reader {
    contents: Contents,
    nodes: usize,
    /// Whether no more is read, since there are too many values.
    full: bool,
    /// The kinds that no rule knows, with their counts.
    strange: BTreeMap<String, usize>,
}

/// Where a document stands.
#[derive(Clone, Debug)]
struct Place {
    source: Arc<str>,
    document: usize,
    template: Option<Arc<str>>,
}

impl Reader {
    fn source(&mut self, source: Source<'_>) {
        let name = sanitize(source.name);
        if source.text.len() > MOST_BYTES {
            let mib = MOST_BYTES >> 20;
            let text = format!("is larger than {mib} MiB and was not read: lint its parts one by one");
            return self.unread(&name, None, text);
        }
        let text = match str::from_utf8(source.text) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                let read = &source.text[..error.valid_up_to()];
                let line = read.split(|byte| *byte == b'\n').count();
                return self.unread(&name, Some(line), "is not UTF-8: is it a YAML or JSON file?".to_owned());
            }
        };
        let name: Arc<str> = name.into();
        for (index, document) in documents::split(text).into_iter().enumerate() {
            if self.full {
                return;
            }
            let template = document.template.map(|template| sanitize(template).into());
            self.document(&document, &Place { source: Arc::clone(&name), document: index + 1, template });
        }
    }

    fn unread(&mut self, source: &str, line: Option<usize>, text: String) {
        self.contents.unread += 1;
        self.contents.said.push(Remark { source: Some(source.to_owned()), line, text, unread: true });
    }

    fn document(&mut self, document: &Document<'_>, place: &Place) {
        self.contents.documents += 1;
        let roots = match lapse_yaml::read(document.text, document.first_line, &mut self.nodes) {
            Ok(roots) => roots,
            Err(error) => {
                self.full = error.why == Why::Nodes;
                let (line, text) = explain(&error, document);
                return self.unread(&place.source, Some(line), text);
            }
        };
        for root in roots {
            self.root(&root, String::new(), place, 0);
        }
    }

    /// Takes an object, or each object of a List.
    fn root(&mut self, root: &Arc<Node>, prefix: String, place: &Place, depth: usize) {
        let text = |key: &str| root.entry(key).and_then(|entry| scalar(&entry.value));
        let (Some(kind), Some(api_version)) = (text("kind"), text("apiVersion")) else {
            if !root.is_null() {
                *self.strange.entry("documents without `apiVersion` and `kind`".to_owned()).or_default() += 1;
            }
            return;
        };
        let items = root.entry("items").map(|entry| &entry.value.value);
        if let (true, Some(Value::List(items)), true) = (kind.ends_with("List"), items, depth < 3) {
            for (index, item) in items.iter().enumerate() {
                let dot = if prefix.is_empty() { "" } else { "." };
                self.root(item, format!("{prefix}{dot}items[{index}]"), place, depth + 1);
            }
            return;
        }
        self.object(root, (kind, api_version), prefix, place);
    }

    fn object(&mut self, root: &Arc<Node>, (kind, api_version): (&str, &str), prefix: String, place: &Place) {
        let metadata = root.entry("metadata").map(|entry| &*entry.value);
        let text = |key| metadata.and_then(|node| node.entry(key)).and_then(|entry| scalar(&entry.value));
        let (name, namespace) = (text("name").or_else(|| text("generateName")).unwrap_or_default(), text("namespace"));
        if [name, namespace.unwrap_or_default(), kind].iter().any(|text| text.contains("{{")) {
            let why = "has an unrendered `{{`: render the chart first, with `helm template CHART | lapse lint -`";
            return self.unread(&place.source, Some(root.position.line), why.to_owned());
        }
        let known = Kind::of(kind, api_version);
        if known == Kind::Custom {
            *self.strange.entry(sanitize(kind)).or_default() += 1;
        }
        let object = Object {
            source: Arc::clone(&place.source),
            document: place.document,
            template: place.template.clone(),
            kind: known,
            api_version: api_version.to_owned(),
            named: ObjectName { kind: sanitize(kind), namespace: namespace.map(sanitize), name: sanitize(name) },
            name: name.to_owned(),
            namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned),
            // A kind that no rule reads needs no tree.
            root: if known.is_read() { Arc::clone(root) } else { empty(root) },
            prefix,
        };
        self.contents.objects.push(object);
    }

    fn end(mut self) -> Contents {
        if !self.strange.is_empty() {
            let kinds: Vec<_> = self.strange.iter().map(|(kind, count)| format!("{kind} x{count}")).collect();
            let text = format!("no rule knows {}: left out", kinds.join(", "));
            self.contents.said.push(Remark { source: None, line: None, text, unread: false });
        }
        self.contents
    }
}

fn empty(root: &Arc<Node>) -> Arc<Node> {
    Arc::new(Node::new(root.position, Value::Map(Vec::new())))
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

/// What is said of the document that is past [`MOST_NODES`].
const MANY: &str =
    "is past the million values that are read of one input; the rest was not read: lint its parts one by one";

/// The line and the sentence for a document that cannot be read.
fn explain(error: &Unreadable, document: &Document<'_>) -> (usize, String) {
    let render = "has an unrendered `{{`: render the chart first, with `helm template CHART | lapse lint -`";
    let template = document.template_line().map(|(line, _)| line);
    match (&error.why, template) {
        (Why::Syntax(_) | Why::KeyIsNoText, Some(line)) => (line, render.to_owned()),
        (Why::KeyIsNoText, None) => {
            (error.position.line, "has a list or a map as a key, which Kubernetes refuses".to_owned())
        }
        (Why::Syntax(what), None) => (error.position.line, format!("is not YAML: {}", sanitize(what))),
        (Why::Depth, _) => (error.position.line, "is nested more than 200 levels deep and was not read".to_owned()),
        (Why::Nodes, _) => (error.position.line, MANY.to_owned()),
        (Why::Cycle, _) => (error.position.line, "has an alias of a value that contains the alias".to_owned()),
    }
}

impl Kind {
    /// The kind of an object by its `kind` and `apiVersion`.
    fn of(kind: &str, api_version: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("apps" | "extensions", "Deployment") => Self::Deployment,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("apps" | "extensions", "DaemonSet") => Self::DaemonSet,
            ("apps" | "extensions", "ReplicaSet") => Self::ReplicaSet,
            ("argoproj.io", "Rollout") => Self::Rollout,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("", "Pod") => Self::Pod,
            ("", "Service") => Self::Service,
            ("networking.k8s.io" | "extensions", "Ingress") => Self::Ingress,
            ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute") => Self::HttpRoute,
            ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject") => Self::Autoscaler,
            ("policy", "PodDisruptionBudget") => Self::DisruptionBudget,
            ("", "ConfigMap") => Self::ConfigMap,
            ("", "PersistentVolumeClaim") => Self::VolumeClaim,
            ("", "Namespace") => Self::Namespace,
            ("" | "apps" | "batch" | "policy" | "autoscaling" | "extensions", _) => Self::Other,
            (group, _) if group.ends_with(".k8s.io") && group != "gateway.networking.k8s.io" => Self::Other,
            _ => Self::Custom,
        }
    }

    /// Whether rules read the fields of such an object.
    const fn is_read(self) -> bool {
        !matches!(self, Self::Other | Self::Custom)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}
