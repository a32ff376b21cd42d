//! One thing that happened beside the probes.

use std::net::IpAddr;

use lapse_measure::time::Offset;

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
    /// What sort of thing, in the words of its source: `started`, `stdout`, `pod-ready`.
    pub kind: String,
    /// What happened, for people.
    pub text: String,
    /// Whom it happened to, as `kind/name`: `pod/wine-7d4`, `endpoints/wine`. Reports give each a row of its own.
    pub object: Option<String>,
    /// When its source says that it happened, in nanoseconds since the Unix epoch, by a clock that is not ours.
    pub told_unix_ns: Option<u64>,
    /// The address that is the object's alone, if it has one and its source told it.
    pub address: Option<IpAddr>,
}

impl Event {
    /// An event of `source` that the prober saw at `at`.
    pub fn new(at: Offset, source: Source, kind: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at, source, kind: kind.into(), text: text.into(), object: None, told_unix_ns: None, address: None }
    }

    /// The same event, as one that happened to `object`.
    #[must_use]
    pub fn to(self, object: impl Into<String>) -> Self {
        Self { object: Some(object.into()), ..self }
    }
}
