//! Whether the prober's thread had nothing to do: then it is the server that slots wait for.

use std::cell::Cell;
use std::time::Duration;

use lapse_measure::time::Offset;

/// The longest pass of the loop that counts as idle time; a longer one was interrupted.
const IDLE_PASS: Duration = Duration::from_micros(200);

/// Detects passes of the loop without work. Of two consecutive passes in which no probe is polled, the second had
/// nothing to do: all that was readable before the first has been handled.
#[derive(Debug, Default)]
pub(super) struct Idleness {
    /// The number of times that a probe was polled.
    polls: Cell<u64>,
    last: Cell<Pass>,
}

/// A pass of the loop.
#[derive(Clone, Copy, Debug, Default)]
struct Pass {
    polls: u64,
    at: Offset,
    /// Whether no probe was polled since the pass before.
    idle: bool,
}

impl Idleness {
    /// Notes that a probe was polled.
    pub(super) fn poll(&self) {
        self.polls.set(self.polls.get() + 1);
    }

    /// Records a pass of the loop at `now`, and returns the time since the last one if the thread was idle.
    pub(super) fn pass(&self, now: Offset) -> Duration {
        let polls = self.polls.get();
        let idle = polls == self.last.get().polls;
        let last = self.last.replace(Pass { polls, at: now, idle });
        if idle && last.idle { now.since(last.at).min(IDLE_PASS) } else { Duration::ZERO }
    }
}
