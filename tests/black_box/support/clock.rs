//! The tests' own reading of `CLOCK_MONOTONIC`; a report's anchor maps its offsets to this clock.

use rustix::time::{ClockId, clock_gettime};

/// The current time in nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn now() -> u64 {
    read(ClockId::Monotonic)
}

/// The wall clock at zero of the monotonic clock, in nanoseconds since the Unix epoch.
pub(crate) fn boot_on_the_wall() -> u64 {
    read(ClockId::Realtime) - now()
}

#[expect(clippy::disallowed_methods, reason = "the truth must not use the clock under test")]
fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
}

/// Sleeps until `CLOCK_MONOTONIC` shows `at` nanoseconds or more.
pub(crate) fn sleep_until(at: u64) {
    while let Some(left) = at.checked_sub(now()).filter(|left| *left > 0) {
        std::thread::sleep(std::time::Duration::from_nanos(left));
    }
}
