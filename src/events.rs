//! What else happened during a run, at the offset at which the prober saw it.

pub mod command;
pub mod event;
#[cfg_attr(
    not(feature = "kubernetes"),
    expect(dead_code, reason = "without the watch nobody asks for more than what a command's words say")
)]
pub mod kubernetes;
