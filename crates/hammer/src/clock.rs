//! The run's clock, and the only code that reads the system's: everywhere else, time is an argument.

use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use lapse_measure::time::{Anchor, Discipline, Offset, nanos};

/// The machine's monotonic clock, counted from the beginning of the run. All copies of a clock agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    began: u64,
}

impl Clock {
    /// A clock for a run that begins now.
    pub fn start() -> Self {
        Self::start_in(Duration::ZERO)
    }

    /// A clock for a run that begins after `delay`, which leaves time for preparations. Until then [`now`](Self::now)
    /// returns offset zero.
    pub fn start_in(delay: Duration) -> Self {
        Self { began: read(ClockId::Monotonic) + nanos(delay) }
    }

    /// The current offset; zero as long as the run has not begun.
    pub fn now(&self) -> Offset {
        Offset::from_nanos(read(ClockId::Monotonic).saturating_sub(self.began))
    }

    /// The time left until `at`, zero if that has passed. Unlike the difference to [`now`](Self::now) this is also
    /// right before the run has begun.
    pub fn until(&self, at: Offset) -> Duration {
        let at = self.began.saturating_add(at.as_nanos());
        Duration::from_nanos(at.saturating_sub(read(ClockId::Monotonic)))
    }

    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero, by which other programs of this machine can convert offsets.
    pub const fn monotonic_ns(&self) -> u64 {
        self.began
    }

    /// Reads the wall clock together with the offset. The wall clock is read between two readings of the monotonic
    /// clock; of five attempts the one with the shortest time between those two is used.
    pub fn anchor(&self) -> Anchor {
        let attempt = || {
            let (before, unix_ns, after) =
                (read(ClockId::Monotonic), read(ClockId::Realtime), read(ClockId::Monotonic));
            (after - before, before + (after - before) / 2, unix_ns)
        };
        let first = attempt();
        let (_, read_at, unix_ns) =
            (0..4).map(|_| attempt()).fold(first, |best, next| if next.0 < best.0 { next } else { best });
        // Before the run has begun, the anchor is the expected date of offset zero.
        let ahead = self.began.saturating_sub(read_at);
        Anchor { unix_ns: unix_ns + ahead, offset: Offset::from_nanos((read_at + ahead) - self.began) }
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
        let apart = first.unix_ns_at(second.offset).abs_diff(second.unix_ns);
        assert!(Duration::from_nanos(apart) < Duration::from_secs(1), "apart by {apart} ns");
    }
}
