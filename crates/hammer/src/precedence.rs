//! Scheduling of the hammer's threads: they ask the kernel to run them before other threads, so that a busy machine
//! delays probes less. A guard in each thread gives that up if the thread uses too much of a core.

use std::cell::Cell;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libc::{SCHED_FIFO, SCHED_FLAG_RESET_ON_FORK, SCHED_OTHER, SYS_sched_getattr, SYS_sched_setattr, sched_attr};
use rustix::process::{Resource, getrlimit};

use super::clock;
use lapse_measure::time::{Offset, nanos};
use lapse_record::entry::Precedence;

/// The lowest priority of `SCHED_FIFO`: it goes before every normal thread, and after every other real-time one.
const FIFO_PRIORITY: u32 = 1;
/// The strongest nice value.
const NICE: i32 = -20;
/// The shortest time slice that the kernel accepts. The shorter the slice, the sooner a thread that wakes up runs.
const SLICE: Duration = Duration::from_micros(100);
/// How long the guard measures before it judges.
const WINDOW: Duration = Duration::from_secs(1);
/// The share of a core that a thread may use with precedence.
const MAX_SHARE: f64 = 0.8;

/// Asks the kernel for precedence for the calling thread, and returns the strongest that it grants: `SCHED_FIFO` if
/// `may_use_fifo`, a negative nice value, or a short time slice.
///
/// Threads that this thread starts later, and processes, get the normal scheduling back (reset on fork). Nothing is
/// asked for if lapse was started under another policy than `SCHED_OTHER`, or with a positive nice value: the user
/// chose that.
pub(super) fn ask(may_use_fifo: bool) -> Precedence {
    let Some(own) = attributes() else { return Precedence::None };
    if policy(SCHED_OTHER) != own.sched_policy || own.sched_nice > 0 {
        return Precedence::None;
    }
    let normal = normal(own.sched_nice);
    let fifo = sched_attr { sched_policy: policy(SCHED_FIFO), sched_priority: FIFO_PRIORITY, sched_nice: 0, ..normal };
    if may_use_fifo && set(&fifo) {
        return Precedence::Fifo;
    }
    let short = sched_attr { sched_runtime: nanos(SLICE), ..normal };
    for nice in [NICE, lowest_nice()] {
        if nice < own.sched_nice && set(&sched_attr { sched_nice: nice, ..short }) {
            return i8::try_from(nice).map_or(Precedence::None, Precedence::Nice);
        }
    }
    // A kernel before 6.12 accepts the slice and ignores it, so what it reports afterwards is what counts.
    let granted = set(&short) && attributes().is_some_and(|now| now.sched_runtime == short.sched_runtime);
    if granted { Precedence::Slice(SLICE) } else { Precedence::None }
}

/// The attributes of a normal thread with this nice value and the default time slice.
fn normal(nice: i32) -> sched_attr {
    sched_attr {
        size: size(),
        sched_policy: policy(SCHED_OTHER),
        sched_flags: u64::from(SCHED_FLAG_RESET_ON_FORK.unsigned_abs()),
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    }
}

const fn policy(policy: libc::c_int) -> u32 {
    policy.unsigned_abs()
}

fn size() -> u32 {
    u32::try_from(size_of::<sched_attr>()).unwrap_or(0)
}

/// The lowest nice value that the limit `RLIMIT_NICE` allows without privileges.
fn lowest_nice() -> i32 {
    // The limit counts upwards from nice 20, so 30 allows -10.
    let limit = getrlimit(Resource::Nice).current.map_or(40, |limit| limit.min(40));
    20 - i32::try_from(limit).unwrap_or(0)
}

/// Sets the scheduling of the calling thread; false if the kernel refuses.
fn set(attributes: &sched_attr) -> bool {
    let from: *const sched_attr = attributes;
    #[expect(unsafe_code, reason = "neither rustix nor libc has a function for this system call")]
    // SAFETY: the kernel reads `size` bytes at `from`, which is the size of the struct there, and keeps no pointer.
    // Thread 0 is the calling one.
    let result = unsafe { libc::syscall(SYS_sched_setattr, 0, from, 0) };
    result == 0
}

/// The scheduling of the calling thread; `None` if the kernel does not say.
fn attributes() -> Option<sched_attr> {
    let mut attributes = normal(0);
    let to: *mut sched_attr = &raw mut attributes;
    #[expect(unsafe_code, reason = "neither rustix nor libc has a function for this system call")]
    // SAFETY: the kernel writes at most the given size to `to`, which is the size of the struct there, and every value
    // of its fields is valid. Thread 0 is the calling one.
    let result = unsafe { libc::syscall(SYS_sched_getattr, 0, to, size(), 0) };
    (result == 0).then_some(attributes)
}

/// The time at which the first thread gave its precedence up, shared by all threads; in nanoseconds, `u64::MAX` as long
/// as none did.
#[derive(Debug)]
pub(super) struct GivenUp(AtomicU64);

impl GivenUp {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    fn note(&self, at: Offset) {
        self.0.fetch_min(at.as_nanos(), Ordering::Relaxed);
    }

    /// When the first thread gave its precedence up; `None` if all still have it.
    pub(super) fn at(&self) -> Option<Offset> {
        let at = self.0.load(Ordering::Relaxed);
        (at != u64::MAX).then_some(Offset::from_nanos(at))
    }
}

/// Watches how much of a core its thread uses, so that a thread with precedence cannot keep others from running.
#[derive(Debug)]
pub(super) struct Guard {
    /// Whether the thread has precedence to give up.
    armed: Cell<bool>,
    /// CPU time of the thread at the start of the current window; `None` before the first window, so that the work of
    /// opening connections before the run is not counted.
    usage: Cell<Option<Usage>>,
    given_up: Arc<GivenUp>,
}

impl Guard {
    /// A guard of the calling thread, which has `precedence`; it reports to `given_up`.
    pub(super) const fn new(precedence: Precedence, given_up: Arc<GivenUp>) -> Self {
        Self { armed: Cell::new(!matches!(precedence, Precedence::None)), usage: Cell::new(None), given_up }
    }

    /// Returns the thread to normal scheduling, for good, if it used more than 80 % of a core in the last second. To be
    /// called on that thread, several times a second.
    pub(super) fn check(&self, now: Offset) {
        let window = self.usage.get();
        if !self.armed.get() || window.is_some_and(|window| now.since(window.since) < WINDOW) {
            return;
        }
        let used = clock::thread_cpu_time();
        self.usage.set(Some(Usage { since: now, used }));
        if window.is_some_and(|window| window.share(now, used) > MAX_SHARE) {
            self.armed.set(false);
            set(&normal(0));
            self.given_up.note(now);
        }
    }
}

/// The CPU time that a thread had used at one moment.
#[derive(Clone, Copy, Debug)]
struct Usage {
    since: Offset,
    used: Duration,
}

impl Usage {
    /// The share of a core used from then to `now`, at which the thread has `used` so much CPU time in all.
    fn share(&self, now: Offset, used: Duration) -> f64 {
        used.saturating_sub(self.used).div_duration_f64(now.since(self.since))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Runs `check` on a thread of its own, since scheduling belongs to a thread.
    fn on_a_thread(check: impl FnOnce() + Send + 'static) {
        thread::spawn(check).join().unwrap();
    }

    #[test]
    fn the_kernel_confirms_the_precedence_that_is_reported() {
        on_a_thread(|| {
            let granted = ask(true);
            let now = attributes().unwrap();
            match granted {
                Precedence::Fifo => assert_eq!((now.sched_policy, now.sched_priority), (policy(SCHED_FIFO), 1)),
                Precedence::Nice(nice) => assert_eq!(now.sched_nice, i32::from(nice)),
                Precedence::Slice(slice) => assert_eq!(now.sched_runtime, nanos(slice)),
                Precedence::None => {}
            }
        });
    }

    #[test]
    fn real_time_priority_is_not_used_where_it_is_not_allowed() {
        on_a_thread(|| {
            assert_ne!(ask(false), Precedence::Fifo);
            assert_eq!(attributes().unwrap().sched_policy, policy(SCHED_OTHER));
        });
    }

    #[test]
    fn a_thread_started_by_one_with_precedence_has_none() {
        for may_use_fifo in [true, false] {
            on_a_thread(move || {
                let before = attributes().unwrap();
                ask(may_use_fifo);
                on_a_thread(move || {
                    let child = attributes().unwrap();
                    assert_eq!(child.sched_policy, before.sched_policy);
                    assert_eq!(child.sched_nice, before.sched_nice);
                    assert_eq!(child.sched_runtime, before.sched_runtime);
                });
            });
        }
    }

    #[test]
    fn a_positive_nice_value_is_left_as_it_is() {
        on_a_thread(|| {
            assert!(set(&normal(5)));
            assert_eq!(ask(true), Precedence::None);
            assert_eq!(attributes().unwrap().sched_nice, 5);
        });
    }

    #[test]
    fn usage_is_cpu_time_over_time() {
        let usage = Usage { since: Offset::from_millis(500), used: Duration::from_millis(100) };
        let share = usage.share(Offset::from_millis(1500), Duration::from_millis(950));
        assert!((share - 0.85).abs() < 1e-9, "{share}");
    }

    #[test]
    fn a_thread_that_uses_most_of_a_core_returns_to_normal_scheduling_for_good() {
        on_a_thread(|| {
            let given_up = Arc::new(GivenUp::new());
            let precedence = ask(false);
            let guard = Guard::new(precedence, Arc::clone(&given_up));
            if precedence == Precedence::None {
                return;
            }
            // The windows are made up; only the CPU time is real.
            let (start, used) = (Offset::from_millis(5000), Duration::from_millis(60));
            let window = |length: Duration| {
                guard.usage.set(Some(Usage { since: start, used: Duration::ZERO }));
                guard.check(start + length);
            };
            while clock::thread_cpu_time() < used {}
            guard.check(start);
            assert_eq!(given_up.at(), None, "what was used before the first window is not counted");
            window(used);
            assert_eq!(given_up.at(), None, "a window is never shorter than a second");
            window(WINDOW);
            assert_eq!(given_up.at(), None, "60 ms of a second are allowed");
            while clock::thread_cpu_time() < Duration::from_millis(850) {}
            window(WINDOW);
            assert_eq!(given_up.at(), Some(start + WINDOW));
            let now = attributes().unwrap();
            assert_eq!((now.sched_policy, now.sched_nice), (policy(SCHED_OTHER), 0));
            assert!(!guard.armed.get(), "there is nothing left to give up");
        });
    }
}
