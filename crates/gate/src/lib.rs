//! Ports that can be open, refuse or swallow connections, as those of a cluster do, for servers that fail on purpose.
//!
//! The kernel refuses and drops; nothing here accepts a connection in order to break it.

mod gated_listener;
mod syn_filter;
mod syn_sent;

pub use gated_listener::GatedListener;
pub use syn_filter::SynFilter;
pub use syn_sent::PendingConnects;
