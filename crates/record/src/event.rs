//! Events: what happened beside the probes, such as a pod's deletion or a line of the command.

pub mod detail;
mod kind;
mod object;
mod words;

use std::net::IpAddr;

use lapse_measure::time::{Offset, UnixTime};

use detail::Detail;
pub use kind::{EventKind, ObjectState};
pub use object::{Object, ObjectKind};

/// The source that reported an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The wrapped command: its output and its exit.
    Command,
    /// The watch on a Kubernetes cluster.
    Kubernetes,
    /// The world of a scenario.
    Lab,
    /// lapse itself.
    Prober,
    /// The program that asked `lapse serve` for the run.
    Caller,
}

impl Source {
    /// The word for the source in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Kubernetes => "kubernetes",
            Self::Lab => "lab",
            Self::Prober => "prober",
            Self::Caller => "caller",
        }
    }
}

/// An event on the timeline of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When lapse saw the event, by the run's clock.
    pub at: Offset,
    /// The source that reported the event.
    pub source: Source,
    /// The kind of event, which decides how reports show it.
    pub kind: EventKind,
    /// A description, as text for reports.
    pub text: String,
    /// The object that the event is about, which has a row of its own in reports; `None` for events of the run itself.
    pub object: Option<Object>,
    /// When the event happened by the source's own clock; `None` if not given.
    pub source_time: Option<UnixTime>,
    /// The object's own IP address, which no other object shares; `None` if there is none or the source gives none.
    pub address: Option<IpAddr>,
    /// The facts of the event; `None` if there are none beyond its kind and its object.
    pub detail: Option<Detail>,
}

impl Event {
    /// An event of `source` seen at `at`, without an object, a time of the source or an address.
    pub fn new(at: Offset, source: Source, kind: EventKind, text: impl Into<String>) -> Self {
        Self { at, source, kind, text: text.into(), object: None, source_time: None, address: None, detail: None }
    }

    /// The same event, about `object`.
    #[must_use]
    pub fn to(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// The same event, with its facts.
    #[must_use]
    pub fn with(self, detail: Detail) -> Self {
        Self { detail: Some(detail), ..self }
    }
}
