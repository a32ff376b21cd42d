//! The timer that wakes a worker when slots are due.
//!
//! The timer is a `timerfd`: tokio's own is about a millisecond late at the median, and a cell of the timeline is one
//! millisecond.

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
use lapse_measure::time::Offset;

/// The highest rate, in slots a second of one worker, at which each slot has a wake-up of its own. At higher rates a
/// wake-up costs more than sending the probe.
const ALONE: u64 = 2_000;
/// At higher rates, slots due within this time of each other share a wake-up, so the first of them is this late.
const TICK: Duration = Duration::from_micros(240);

/// About as long as a server nearby takes for an answer.
const NAP: Duration = Duration::from_micros(100);

/// A timer on the run's clock, for one worker.
#[derive(Debug)]
pub(super) struct Pacer {
    timer: AsyncFd<OwnedFd>,
    clock: Clock,
    tick: Duration,
}

impl Pacer {
    /// A pacer for the calling thread, which sends `slots` a second over all its lanes. Fails if no `timerfd` can be
    /// had.
    pub(super) fn new(clock: Clock, slots: Rate) -> io::Result<Self> {
        // By default the kernel may delay a timer by 50 us to save power. A refusal is no error: timers are then that
        // late.
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

    /// Sleeps until the slot due at `at` is to be sent, and returns how much later than intended it woke up. An instant
    /// that has passed only yields to the runtime.
    pub(super) async fn sleep(&self, at: Offset) -> io::Result<Duration> {
        let at = at + self.tick;
        if self.clock.until(at).is_zero() {
            // A worker that is late reads the answers that have come in before it sends more.
            yield_now().await;
        } else {
            self.wait(at).await?;
        }
        Ok(self.clock.now().since(at))
    }

    /// Sleeps for a moment while slots that are late wait for answers to be read. To look for these without a pause
    /// would take processor time that a throttled prober, or a server on the same machine, is short of.
    pub(super) async fn nap(&self) -> io::Result<Duration> {
        let at = self.clock.now() + NAP;
        self.wait(at).await?;
        Ok(self.clock.now().since(at))
    }

    async fn wait(&self, at: Offset) -> io::Result<()> {
        self.arm(at)?;
        // The count of expirations is never read: arming the timer again resets it.
        self.timer.readable().await?.clear_ready();
        Ok(())
    }

    /// Sets the timer to expire at `at`, as an absolute time of `CLOCK_MONOTONIC`.
    fn arm(&self, at: Offset) -> io::Result<()> {
        let nanos = self.clock.began().at(at).as_nanos();
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
