//! The parts of a pod that are read, and the changes of a pod.

use std::net::IpAddr;

use serde::Deserialize;

use super::change::Change;
use super::meta::{Instant, Meta};
use lapse_measure::time::UnixTime;
use lapse_record::event::detail::{ContainerExit, Detail};
use lapse_record::event::{EventKind, Object, ObjectKind};

/// A pod's status.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pod {
    phase: String,
    #[serde(rename = "podIP")]
    pub(super) address: String,
    /// The address of the node that the pod runs on.
    #[serde(rename = "hostIP")]
    host: String,
    /// The first port that the containers declare.
    #[serde(skip)]
    pub(super) port: Option<u16>,
    conditions: Vec<Condition>,
    container_statuses: Vec<Container>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    name: String,
    status: String,
    last_transition_time: Option<Instant>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    restart_count: u64,
    state: ContainerState,
    last_state: ContainerState,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
    terminated: Option<Exit>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Exit {
    #[serde(rename = "exitCode")]
    code: i32,
    reason: String,
    /// The text that the container wrote to its termination log.
    message: String,
    finished_at: Option<Instant>,
}

/// The state of a pod that already existed when the watch began.
pub(super) fn found(meta: &Meta, pod: &Pod) -> Change {
    let (name, object) = (&meta.name, object(meta));
    let (kind, text, source_time) = match (meta.deletion_timestamp.is_some(), pod.is_ready()) {
        (true, _) => (EventKind::PodDeleting, format!("{name} is being deleted already"), meta.deletion_asked()),
        (false, true) => (EventKind::PodFound, format!("{name} is there, and ready"), pod.ready_since()),
        (false, false) => (EventKind::PodUnready, format!("{name} is there, and not ready"), pod.ready_since()),
    };
    Change { kind, text, source_time, object, detail: template(meta) }
}

/// The template that the pod was made from, by the label that its controller puts on it.
fn template(meta: &Meta) -> Option<Detail> {
    let label = |name: &str| meta.labels.get(name).cloned();
    let names = ["pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash"];
    names.into_iter().find_map(label).map(Detail::PodTemplate)
}

/// The changes between two versions of a pod.
pub(super) fn changes(old: Option<(&Meta, &Pod)>, new: Option<(&Meta, &Pod)>) -> Vec<Change> {
    let Some((meta, _)) = new.or(old) else { return Vec::new() };
    let (was, is) = (old.map(|(_, pod)| pod), new.map(|(_, pod)| pod));
    let mut changes = Vec::new();
    let plain = |kind, text: String| Change { kind, text, source_time: None, object: object(meta), detail: None };
    let name = &meta.name;
    if old.is_none() {
        let source_time = meta.creation_timestamp.as_ref().and_then(Instant::unix_time);
        let created = plain(EventKind::PodCreated, format!("{name} is created"));
        changes.push(Change { source_time, detail: template(meta), ..created });
    }
    if let Some(is) = is {
        match (was.is_some_and(Pod::is_ready), is.is_ready()) {
            (false, true) => {
                changes.push(Change {
                    source_time: is.ready_since(),
                    ..plain(EventKind::PodReady, format!("{name} is ready"))
                });
            }
            (true, false) => {
                let unready = plain(EventKind::PodUnready, format!("{name} is no longer ready"));
                changes.push(Change { source_time: is.ready_since(), ..unready });
            }
            _ => {}
        }
        if meta.deletion_timestamp.is_some() && old.is_none_or(|(meta, _)| meta.deletion_timestamp.is_none()) {
            let grace = meta.deletion_grace_period_seconds;
            let deleting = plain(EventKind::PodDeleting, format!("{name} is being deleted, within {grace} s"));
            changes.push(Change { source_time: meta.deletion_asked(), ..deleting });
        }
        for container in &is.container_statuses {
            let before = was.and_then(|was| was.container_statuses.iter().find(|old| old.name == container.name));
            changes.extend(container.changes_since(before, meta));
        }
        // Kubernetes counts a deleted pod as failed unless its exit code is 0.
        let told_to_end = meta.deletion_timestamp.is_some();
        if was.is_none_or(|was| was.phase != is.phase) && is.phase == "Failed" && !told_to_end {
            changes.push(plain(EventKind::PodFailed, format!("{name} has failed")));
        }
    } else {
        changes.push(plain(EventKind::PodGone, format!("{name} is gone")));
    }
    changes
}

/// The row that a pod has in reports.
pub(super) fn object(meta: &Meta) -> Object {
    Object::new(ObjectKind::Pod, &meta.name)
}

impl Pod {
    /// The same pod, which says that it listens at `port`.
    pub(super) fn at(self, port: Option<u16>) -> Self {
        Self { port, ..self }
    }

    /// The pod's own address; a pod on its node's network has none.
    pub(super) fn own_address(&self) -> Option<IpAddr> {
        self.address.parse().ok().filter(|_| self.address != self.host)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready().is_some_and(|ready| ready.status == "True")
    }

    fn ready(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == "Ready")
    }

    fn ready_since(&self) -> Option<UnixTime> {
        self.ready()?.last_transition_time.as_ref()?.unix_time()
    }
}

impl Container {
    /// The latest known exit of a container, from before its restart if it was restarted.
    fn exit(&self) -> Option<&Exit> {
        self.state.terminated.as_ref().or(self.last_state.terminated.as_ref())
    }

    fn waits_for(&self) -> Option<&str> {
        self.state.waiting.as_ref().map(|waiting| waiting.reason.as_str())
    }

    /// The changes of this container, of the pod with this metadata, since an older version of it.
    fn changes_since(&self, old: Option<&Self>, meta: &Meta) -> Vec<Change> {
        let mut changes = Vec::new();
        let (pod, name) = (&meta.name, &self.name);
        let mut tell = |kind, text: String, source_time, detail| {
            changes.push(Change {
                kind,
                text: format!("{pod}: container {name} {text}"),
                source_time,
                object: object(meta),
                detail,
            });
        };
        if let Some(exit) = self.exit().filter(|exit| old.and_then(Self::exit) != Some(*exit)) {
            let why = if exit.reason.is_empty() { String::new() } else { format!(" ({})", exit.reason) };
            let finished = exit.finished_at.as_ref().and_then(Instant::unix_time);
            let words = if exit.message.is_empty() { String::new() } else { format!(": {}", exit.message.trim_end()) };
            let detail = ContainerExit { container: name.clone(), code: Some(exit.code), reason: exit.reason.clone() };
            let text = format!("exited with code {}{why}{words}", exit.code);
            tell(EventKind::ContainerExited, text, finished, Some(Detail::Exit(detail)));
        }
        if self.restart_count > old.map_or(0, |old| old.restart_count) {
            tell(EventKind::ContainerRestarted, format!("is restarted, restart {}", self.restart_count), None, None);
        }
        if let Some(reason) = self.waits_for().filter(|reason| old.and_then(Self::waits_for) != Some(*reason)) {
            let usual = matches!(reason, "" | "ContainerCreating" | "PodInitializing");
            if !usual {
                tell(EventKind::ContainerWaiting, format!("waits: {reason}"), None, None);
            }
        }
        changes
    }
}
