//! What a user of the `lapse` binary sees, held against servers that go wrong at known moments.
//!
//! One crate, so that the server is built and linked once. Truth (the server's ledger) and
//! measurement (the binary) share no code: nothing here uses the library.

// `cfg(test)` holds for the whole crate; saying it lets clippy know that these are tests.
#[cfg(test)]
mod accuracy;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod cli;
#[cfg(all(test, feature = "kubernetes"))]
mod cluster;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod live;
#[cfg(test)]
mod pod;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod server;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
