//! Wakes the engine when slots are due.
//!
//! On a `timerfd`: tokio's own timer is about a millisecond late at the median, which is the whole of a cell.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::thread::set_current_timer_slack;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::yield_now;

use super::clock::Clock;
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Offset, nanos};

/// Up to this many slots a second each has a wake-up of its own. Beyond, a wake-up costs more than the
/// probe that it is for.
const ALONE: u64 = 2_000;
/// Slots due within this time of each other are then sent together, the first of them that much late.
const TICK: Duration = Duration::from_micros(370);

/// Sleeps until slots are due.
#[derive(Debug)]
pub(super) struct Pacer {
    timer: AsyncFd<OwnedFd>,
    clock: Clock,
    tick: Duration,
}

impl Pacer {
    /// A pacer for this many slots a second in all.
    pub(super) fn new(clock: Clock, slots: Rate) -> io::Result<Self> {
        // The kernel may otherwise let a timer be 50 us late to save power. If it refuses, it is that late.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let tick = if slots.get() <= ALONE { Duration::ZERO } else { TICK };
        #[expect(
            deprecated,
            reason = "its safe successor is an unsafe function; an owned descriptor is what that asks for"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer, clock, tick })
    }

    /// Sleeps until what is due at `at` is to be sent; returns how late that became.
    pub(super) async fn sleep(&self, at: Offset) -> io::Result<Duration> {
        let at = at + self.tick;
        if self.clock.until(at).is_zero() {
            // Answers that wait are read before more is sent.
            yield_now().await;
        } else {
            self.arm(at)?;
            // The timer's count is never read: arming it anew resets it.
            self.timer.readable().await?.clear_ready();
        }
        Ok(self.clock.now().since(at))
    }

    fn arm(&self, at: Offset) -> io::Result<()> {
        let nanos = self.clock.monotonic_ns().saturating_add(nanos(at.since(Offset::ZERO)));
        let second = 1_000_000_000;
        let it_value = Timespec {
            tv_sec: i64::try_from(nanos / second).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(nanos % second).unwrap_or(0),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        Ok(())
    }
}
