//! A timer for delays that are played: tokio's own is about a millisecond late, and a cell of the timeline is one
//! millisecond.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for `delay`, as exactly as the kernel's timers allow. Where no descriptor is free, it is up to a millisecond
/// later.
pub(crate) async fn sleep(delay: Duration) {
    if delay.is_zero() {
        return;
    }
    match armed(delay) {
        Ok(timer) => drop(timer.readable().await),
        Err(_) => tokio::time::sleep(delay).await,
    }
}

fn armed(delay: Duration) -> io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let it_value = Timespec {
        tv_sec: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(delay.subsec_nanos()),
    };
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
    #[expect(
        deprecated,
        reason = "its safe successor is an unsafe function; an owned descriptor is what that asks for"
    )]
    AsyncFd::with_interest(timer, Interest::READABLE)
}
