//! What is kept of a run: what happened, entry by entry; the journal on disk; and the record that every report is made of.
//!
//! Knows no runtime, no network and no cluster: a record can be read on another machine, years later.

pub mod batch;
pub mod entry;
pub mod error_chain;
pub mod event;
pub mod failure;
pub mod journal;
pub mod pods;
pub mod record;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
pub mod summary;
