//! Tests of the `lapse` binary as a user runs it, against servers that fail at known moments.
//!
//! It is one crate, so that the server is built and linked once. Truth (the server's ledger) and measurement (the
//! binary) share no code: nothing here uses the prober.

// `cfg(test)` is true for the whole crate; stating it tells clippy that these modules are tests.
#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod book;
#[cfg(test)]
mod cli;
#[cfg(all(test, feature = "kubernetes"))]
mod cluster;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod export;
#[cfg(test)]
mod extent;
#[cfg(test)]
mod fail_fast;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod held;
#[cfg(test)]
mod history;
#[cfg(test)]
mod init;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod live;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod pod;
#[cfg(test)]
mod predict;
#[cfg(test)]
mod prober;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod reproduce;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod server;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trials;
#[cfg(test)]
mod try_cures;
#[cfg(test)]
mod wait_up;
