//! The run's clock. Nobody else reads one: everywhere else, time is an argument.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::measure::time::{Anchor, Offset};

/// The machine's monotonic clock, counted from the moment at which the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero.
    began: u64,
}

impl Clock {
    /// A clock that stands at offset zero now.
    pub fn start() -> Self {
        Self { began: read(ClockId::Monotonic) }
    }

    /// The offset of now.
    pub fn now(&self) -> Offset {
        Offset::from_nanos(read(ClockId::Monotonic).saturating_sub(self.began))
    }

    /// Nanoseconds of `CLOCK_MONOTONIC` at offset zero: other programs on this machine can count from it too.
    pub const fn monotonic_ns(&self) -> u64 {
        self.began
    }

    /// Where now lies on the wall clock. The wall clock is read between two readings of the monotonic
    /// one; of a few tries the one that was interrupted least is kept.
    pub fn anchor(&self) -> Anchor {
        let attempt = || {
            let before = self.now();
            let unix_ns = read(ClockId::Realtime);
            let apart = self.now().since(before);
            (apart, Anchor { unix_ns, offset: before + apart / 2 })
        };
        let first = attempt();
        (0..4).map(|_| attempt()).fold(first, |best, next| if next.0 < best.0 { next } else { best }).1
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
fn read(clock: ClockId) -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    u64::try_from(i128::from(tv_sec) * 1_000_000_000 + i128::from(tv_nsec)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_anchors_agree_on_the_wall_clock() {
        let clock = Clock::start();
        let (first, second) = (clock.anchor(), clock.anchor());
        assert!(second.offset >= first.offset);
        let apart = first.unix_ns_at(second.offset).abs_diff(second.unix_ns);
        assert!(Duration::from_nanos(apart) < Duration::from_secs(1), "apart by {apart} ns");
    }
}
