//! Lanes: one target, one connection policy and one protocol each, and the ids of lanes and targets.

use std::fmt;

use super::schedule::Schedule;

/// Where the probes of a lane get their connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// A connection of a keep-alive pool: what a client with open connections sees.
    Reused,
    /// A new connection for each probe: what a loop of curl sees.
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

/// The version of HTTP that a lane uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1: one request at a time on a connection.
    Http1,
    /// HTTP/2: a stream for each request.
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

/// The index of a target in the run's list of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub usize);

/// The index of a lane in the run's list of lanes: those of the first target, then those of the second, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub usize);

/// The properties of a lane, fixed before its first probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The target that this lane probes.
    pub target: TargetId,
    /// Whether each probe opens a connection or takes one from the pool.
    pub policy: Policy,
    /// The version of HTTP that this lane uses.
    pub protocol: Protocol,
    /// When the lane's slots are due.
    pub schedule: Schedule,
}
