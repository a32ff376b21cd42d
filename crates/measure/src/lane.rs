//! A lane: one target, one connection policy, one protocol.

use std::fmt;

use super::schedule::Schedule;

/// How a lane comes by its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// From a keep-alive pool: what a client with open connections sees.
    Reused,
    /// A fresh one for each probe: what a loop of curl sees.
    New,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reused => "reused",
            Self::New => "new",
        })
    }
}

/// What is spoken on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
        })
    }
}

/// A target of a run, by its place in the run's list of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub usize);

/// A lane of a run, by its place in the run's list of lanes: those of the first target, then those of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub usize);

/// One lane of one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The target that this lane probes.
    pub target: TargetId,
    /// Whether each probe opens a connection or takes a kept one.
    pub policy: Policy,
    /// The version of HTTP.
    pub protocol: Protocol,
    /// When the lane's slots are due.
    pub schedule: Schedule,
}
