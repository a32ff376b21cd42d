//! What the cluster did, as it told: pods, endpoints and rollouts, each at the offset at which the prober heard of it.
//!
//! Positions are arrival times on the prober's clock; the cluster's own times are kept beside them and never mixed in.
//! Reads, never writes.
#![cfg_attr(
    not(feature = "watch"),
    expect(dead_code, reason = "without the watch only the words of commands are asked for")
)]

mod change;
mod command_line;
mod diff;
mod endpoints;
mod kind;
mod meta;
mod object;
mod pod;
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

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum WatchUpdate {
    /// Something happened.
    Event(Event),
    /// How far what is rolled has come.
    Status(Status),
    /// The pods that are ready.
    Pods(Vec<PodAddress>),
    /// Something the reader of the run should know, once.
    Warning(String),
}
