//! The run's clock. Nobody else reads one: everywhere else, time is an argument.

use std::mem::MaybeUninit;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use lapse_measure::time::{Anchor, Discipline, Offset, nanos};

/// The machine's monotonic clock, counted from the moment at which the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    began: u64,
}

impl Clock {
    /// A clock that stands at offset zero now.
    pub fn start() -> Self {
        Self::start_in(Duration::ZERO)
    }

    /// A clock that will stand at offset zero after `delay`, and until then does too: time to get ready in.
    pub fn start_in(delay: Duration) -> Self {
        Self { began: read(ClockId::Monotonic) + nanos(delay) }
    }

    /// The offset of now.
    pub fn now(&self) -> Offset {
        Offset::from_nanos(read(ClockId::Monotonic).saturating_sub(self.began))
    }

    /// How long it is until `at`; zero if that is past. Before offset zero this says so, where [`now`](Self::now) cannot.
    pub fn until(&self, at: Offset) -> Duration {
        let at = self.began.saturating_add(at.as_nanos());
        Duration::from_nanos(at.saturating_sub(read(ClockId::Monotonic)))
    }

    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero: other programs on this machine can count from it too.
    pub const fn monotonic_ns(&self) -> u64 {
        self.began
    }

    /// Where now lies on the wall clock. The wall clock is read between two readings of the monotonic
    /// one; of a few tries the one that was interrupted least is kept.
    pub fn anchor(&self) -> Anchor {
        let attempt = || {
            let (before, unix_ns, after) =
                (read(ClockId::Monotonic), read(ClockId::Realtime), read(ClockId::Monotonic));
            (after - before, before + (after - before) / 2, unix_ns)
        };
        let first = attempt();
        let (_, read_at, unix_ns) =
            (0..4).map(|_| attempt()).fold(first, |best, next| if next.0 < best.0 { next } else { best });
        // Offset zero may still lie ahead: then the date is that of offset zero.
        let ahead = self.began.saturating_sub(read_at);
        Anchor { unix_ns: unix_ns + ahead, offset: Offset::from_nanos((read_at + ahead) - self.began) }
    }
}

/// What the kernel says of the wall clock; `None` where it says nothing.
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

#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
fn read(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    u64::try_from(i128::from(tv_sec) * 1_000_000_000 + i128::from(tv_nsec)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_far_off_the_wall_clock_may_be() {
        let Discipline { estimated_error, maximum_error, .. } = discipline().unwrap();
        assert!(estimated_error <= maximum_error.max(Duration::from_secs(16)), "{estimated_error:?} {maximum_error:?}");
    }

    #[test]
    fn two_anchors_agree_on_the_wall_clock() {
        let clock = Clock::start();
        let (first, second) = (clock.anchor(), clock.anchor());
        assert!(second.offset >= first.offset);
        let apart = first.unix_ns_at(second.offset).abs_diff(second.unix_ns);
        assert!(Duration::from_nanos(apart) < Duration::from_secs(1), "apart by {apart} ns");
    }
}
