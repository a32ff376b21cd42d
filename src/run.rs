//! One run, from the plan to its record: set-up, session, journal.

pub(crate) mod activity;
mod addresses;
pub(crate) mod check;
pub(crate) mod fresh;
mod held;
pub(crate) mod launch;
pub(crate) mod live;
pub(crate) mod plan;
pub(crate) mod prober;
mod redirect;
pub(crate) mod rollout;
pub(crate) mod session;
pub(crate) mod signal;
mod slowness;
pub(crate) mod steering;
pub(crate) mod wait_up;
