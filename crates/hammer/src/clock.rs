//! The run's clock, and the only code that reads the system's: everywhere else, time is an argument.

use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use lapse_measure::time::{Anchor, Discipline, MonotonicTime, Offset, UnixTime};

/// The machine's monotonic clock, counted from the beginning of the run. All copies of a clock agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The reading at offset zero.
    began: MonotonicTime,
}

impl Clock {
    /// A clock for a run that begins now.
    pub fn start() -> Self {
        Self::start_in(Duration::ZERO)
    }

    /// A clock for a run that begins after `delay`, which leaves time for preparations. Until then [`now`](Self::now)
    /// returns offset zero.
    pub fn start_in(delay: Duration) -> Self {
        Self { began: monotonic() + delay }
    }

    /// A clock for a run that begins at this reading of the machine's monotonic clock.
    pub const fn beginning_at(began: MonotonicTime) -> Self {
        Self { began }
    }

    /// The current offset; zero as long as the run has not begun.
    pub fn now(&self) -> Offset {
        self.began.offset_of(monotonic())
    }

    /// The time left until `at`, zero if that has passed. Unlike the difference to [`now`](Self::now) this is also
    /// right before the run has begun.
    pub fn until(&self, at: Offset) -> Duration {
        self.began.at(at).since(monotonic())
    }

    /// The reading of `CLOCK_MONOTONIC` at offset zero, by which other programs of this machine can convert offsets.
    pub const fn began(&self) -> MonotonicTime {
        self.began
    }

    /// Reads the wall clock together with the offset. The wall clock is read between two readings of the monotonic
    /// clock; of five attempts the one with the shortest time between those two is used.
    pub fn anchor(&self) -> Anchor {
        let attempt = || {
            let (before, date, after) = (monotonic(), UnixTime::from_nanos(read(ClockId::Realtime)), monotonic());
            let between = after.since(before);
            (between, before + between / 2, date)
        };
        let first = attempt();
        let (_, read_at, date) =
            (0..4).map(|_| attempt()).fold(first, |best, next| if next.0 < best.0 { next } else { best });
        // Before the run has begun, the anchor is the expected date of offset zero.
        let ahead = self.began.since(read_at);
        Anchor { date: date + ahead, offset: self.began.offset_of(read_at + ahead) }
    }
}

/// The CPU time that the calling thread has used since it started.
pub(super) fn thread_cpu_time() -> Duration {
    Duration::from_nanos(read(ClockId::ThreadCPUTime))
}

/// The kernel's state and error bounds of the wall clock; `None` if it does not report them.
///
/// Source: adjtimex(2) with `modes` zero, which only reads; its errors are in microseconds.
pub fn discipline() -> Option<Discipline> {
    let mut told = MaybeUninit::<libc::timex>::zeroed();
    #[expect(
        unsafe_code,
        reason = "no safe crate has this call; it writes where it is told, and zeros are a valid `timex`"
    )]
    let told = unsafe { (libc::adjtimex(told.as_mut_ptr()) >= 0).then(|| told.assume_init())? };
    let micros = |error| u64::try_from(error).ok().map(Duration::from_micros);
    Some(Discipline {
        synchronised: told.status & libc::STA_UNSYNC == 0,
        estimated_error: micros(told.esterror)?,
        maximum_error: micros(told.maxerror)?,
    })
}

/// The reading of the machine's monotonic clock.
pub fn monotonic() -> MonotonicTime {
    MonotonicTime::from_nanos(read(ClockId::Monotonic))
}

/// Reads `clock` in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
fn read(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    u64::try_from(i128::from(tv_sec) * 1_000_000_000 + i128::from(tv_nsec)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimated_error_of_the_wall_clock_is_within_the_maximum_error() {
        let Discipline { estimated_error, maximum_error, .. } = discipline().unwrap();
        assert!(estimated_error <= maximum_error.max(Duration::from_secs(16)), "{estimated_error:?} {maximum_error:?}");
    }

    #[test]
    fn two_anchors_give_the_same_date_for_one_offset() {
        let clock = Clock::start();
        let (first, second) = (clock.anchor(), clock.anchor());
        assert!(second.offset >= first.offset);
        let apart = first.date_at(second.offset).abs_diff(second.date);
        assert!(apart < Duration::from_secs(1), "apart by {apart:?}");
    }
}
