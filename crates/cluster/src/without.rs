//! What stands for the watch in a lapse that was built without it.
#![expect(clippy::unused_async, reason = "it has the signature of the real watch")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Scope, WatchUpdate};
use lapse_measure::time::Offset;

/// Why the cluster cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("this lapse was built without the feature `kubernetes`: build it with that to watch the cluster")]
pub struct Error;

/// A watch that there is not.
#[derive(Debug)]
pub enum Watch {}

impl Watch {
    /// Fails.
    pub async fn start(_: Scope, _: impl Fn() -> Offset + Clone + Send + Sync + 'static) -> Result<Self, Error> {
        Err(Error)
    }

    /// Never called.
    pub const fn scope(&self) -> &str {
        match *self {}
    }

    /// Never called.
    pub const fn services(&self) -> &BTreeMap<String, SocketAddr> {
        match *self {}
    }

    /// Never called.
    pub async fn next(&mut self) -> Option<WatchUpdate> {
        match *self {}
    }

    /// Never called.
    pub fn confirm(&self) {
        match *self {}
    }
}
