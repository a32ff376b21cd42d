//! What else happened during a run, at the offset at which the prober saw it.

pub mod command;
pub mod event;
pub mod kubernetes;
