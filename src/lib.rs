//! **lapse** measures downtime, and states its own error.
//!
//! The rooms, in reading order; `ARCHITECTURE.md` says what each may use.

pub mod calibrate;
pub mod cli;
pub mod events;
pub mod hammer;
pub mod lab;
pub mod live;
pub mod measure;
pub mod progress;
pub mod report;
pub mod run;
