//! One thing that happened beside the probes.

mod kind;
mod object;
mod words;

use std::net::IpAddr;

use lapse_measure::time::Offset;

pub use kind::{EventKind, ObjectState};
pub use object::{Object, ObjectKind};

/// Who reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The wrapped command: its start, its lines, its exit.
    Command,
    /// A watch on the cluster.
    Kubernetes,
    /// The lab's world.
    Lab,
    /// The prober itself.
    Prober,
}

impl Source {
    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Kubernetes => "kubernetes",
            Self::Lab => "lab",
            Self::Prober => "prober",
        }
    }
}

/// Something that happened, for the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When the prober saw it.
    pub at: Offset,
    /// Who reported it.
    pub source: Source,
    /// What sort of thing it is.
    pub kind: EventKind,
    /// What happened, for people.
    pub text: String,
    /// What it happened to. Reports give each object a row of its own.
    pub object: Option<Object>,
    /// When its source says that it happened, in nanoseconds since the Unix epoch, by a clock that is not ours.
    pub told_unix_ns: Option<u64>,
    /// The address that is the object's alone, if it has one and its source told it.
    pub address: Option<IpAddr>,
}

impl Event {
    /// An event of `source` that the prober saw at `at`.
    pub fn new(at: Offset, source: Source, kind: EventKind, text: impl Into<String>) -> Self {
        Self { at, source, kind, text: text.into(), object: None, told_unix_ns: None, address: None }
    }

    /// The same event, as one that happened to `object`.
    #[must_use]
    pub fn to(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }
}
