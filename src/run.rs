//! One run: planned, carried out, kept in a journal, and known in full at its end.

pub mod check;
pub mod entry;
pub mod journal;
pub mod launch;
pub mod live;
pub mod plan;
pub mod pods;
pub mod record;
pub mod rollout;
pub mod session;
pub mod signal;
pub mod subject;
