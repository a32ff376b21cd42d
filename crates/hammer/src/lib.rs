//! Sends probes on time, whatever becomes of them, and says what each one saw.
//!
//! It knows no outage and no timeline: slots are due, and records leave on a channel.

pub mod clock;
pub mod cpu_pressure;
pub mod engine;
pub mod target;
pub mod tls;

mod classify;
mod connect;
mod deadline;
mod health;
mod http;
mod lane;
mod pacer;
mod port;
mod request;
mod stream;
mod task_pool;
mod trace;
mod worker;
