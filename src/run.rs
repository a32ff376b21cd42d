//! One run: planned, carried out, kept in a journal, and known in full at its end.

pub(crate) mod activity;
pub(crate) mod check;
pub(crate) mod launch;
pub(crate) mod live;
pub(crate) mod plan;
pub(crate) mod rollout;
pub(crate) mod session;
pub(crate) mod signal;
