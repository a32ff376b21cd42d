//! A small world with known truth: pods, the hops in front of them, and a rollout.
//!
//! Sockets and time are real, Kubernetes is a model. Each fault that the world injects goes into a [`ledger`], which
//! shares no code with the measurement, so that the two can be compared.

pub mod duration_range;
pub mod fault;
pub mod ledger;
pub mod process;
pub mod scenario;
pub mod serve;
pub mod strategy;
pub mod world;

pub use serve::{ServeConfig, Trigger, serve};

/// The header in which a pod names itself.
pub const POD_HEADER: &str = "x-pod";

mod app;
mod cluster;
mod elb;
mod endpoints;
mod hops;
mod kubelet;
mod pod;
mod proxy;
mod serve_connection;
mod service;
#[cfg(test)]
mod test_client;
mod thread;
mod world_log;
