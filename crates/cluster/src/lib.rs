//! Changes of pods, endpoints and rollouts as the API server reports them, each at the offset at which it was received.
//!
//! Positions are arrival times on the prober's clock; the cluster's own times are kept beside them and never mixed in.
//! Reads, never writes, but for the Job of a prober that a run asks for ([`prober_job`]).
#![cfg_attr(
    not(feature = "watch"),
    expect(dead_code, reason = "without the watch only the words of commands are asked for")
)]

mod argo;
mod change;
mod command_line;
mod diff;
mod endpoints;
mod kind;
mod meta;
mod object;
mod pod;
pub mod prober_job;
mod scope;
mod settings;
mod state;
mod watch;
mod workload;

pub use self::scope::{Of, Scope, Workload};
pub use self::state::Status;
pub use self::watch::{Error, Watch};
use lapse_record::event::Event;
use std::net::IpAddr;

/// The address of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodAddress {
    /// The pod's own address.
    pub ip: IpAddr,
    /// The first port that the pod's containers declare, if any.
    pub port: Option<u16>,
}

/// An update from the watch on a cluster.
#[derive(Clone, Debug)]
pub enum WatchUpdate {
    /// A change of an object, for the timeline of the run.
    Event(Event),
    /// The progress of the rollout.
    Status(Status),
    /// The addresses of all pods that are now ready.
    Pods(Vec<PodAddress>),
    /// A limit of the watch that the user should know of, such as a missing permission; sent once.
    Warning(String),
}
