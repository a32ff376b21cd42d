//! Test tools: a server that fails on schedule, its ledger, a reader of reports, and the comparison of the two.

#[cfg(feature = "kubernetes")]
pub(crate) mod api;
pub(crate) mod clock;
pub(crate) mod fault;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod judge;
pub(crate) mod lapse;
pub(crate) mod ledger;
pub(crate) mod listener;
pub(crate) mod recorder;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod scripted;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod streaming;
pub(crate) mod wire;
