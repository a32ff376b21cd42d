//! The entries of a run, the journal that keeps them on disk, and the record that all reports are made of.
//!
//! The crate needs no async runtime, no network and no cluster: a journal can be read on another machine, years later.

pub mod batch;
mod close_notify;
mod draining;
pub mod entry;
pub mod error_chain;
pub mod event;
pub mod failure;
pub mod held;
pub mod identity;
pub mod journal;
pub mod keep_alive;
pub mod pods;
pub mod record;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod summary;
