//! Sends probes on time, whatever becomes of them, and says what each one saw.
//!
//! It knows no outage and no timeline: slots are due, and records leave on a channel.

pub mod clock;
pub mod engine;
pub mod machine;
pub mod target;
pub mod tls;

mod ask;
mod classify;
mod connect;
mod deadline;
mod errands;
mod health;
mod http;
mod lane;
mod pacer;
mod port;
mod stream;
mod trace;
mod worker;
