//! The prober: sends a request for each slot when the slot is due, and reports the result of each.
//!
//! The loop is open: a slow or missing answer delays no later slot. Results leave as records on a channel; outages and
//! timelines are computed elsewhere.

pub mod addresses;
pub mod clock;
pub mod cpu_pressure;
pub mod engine;
pub mod fresh;
pub mod grpc;
pub mod held;
pub mod redirect;
pub mod slowness;
pub mod target;
pub mod template;
pub mod tls;
pub mod varying;

mod alarm;
mod classify;
mod concurrency;
mod connect;
mod deadline;
mod health;
mod http;
mod http1;
mod idleness;
mod lane;
mod named;
mod pacer;
mod port;
mod precedence;
mod request;
mod response;
mod stream;
mod task_pool;
mod trace;
mod worker;
