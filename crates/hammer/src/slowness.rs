//! Where slow answers spent their time: at the name, the connection, TLS, or the answer.

use std::time::Duration;

use super::trace::Trace;
use lapse_measure::time::Offset;

/// How far above a whole number of seconds a connection may take that came about with a SYN sent again.
const HEAP: Duration = Duration::from_millis(300);
/// The most seconds that are told apart.
const MOST: usize = 8;

/// A stage in which a probe may spend its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Looking the name up.
    Resolving,
    /// Connecting over TCP.
    Connecting,
    /// The handshake of TLS.
    Securing,
    /// From the request to the end of the answer.
    Answering,
}

/// When the stages of a connection were over that a probe opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) resolved: Offset,
    pub(super) connected: Offset,
    pub(super) secured: Offset,
}

/// The slow answers of a lane, by the stage that took longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowTally {
    /// By stage, in the order of [`SlowTally::STAGES`].
    pub stages: [u64; 4],
    /// Of those that spent it connecting, how many took about n + 1 seconds for that: kernels send a SYN again after a
    /// whole number of seconds.
    pub seconds: [u64; MOST],
}

impl SlowTally {
    /// The stages in order.
    pub const STAGES: [Stage; 4] = [Stage::Resolving, Stage::Connecting, Stage::Securing, Stage::Answering];

    /// Counts a slow answer that was complete at `done`.
    pub(super) fn count(&mut self, trace: &Trace, done: Offset) {
        let Some(sent) = trace.sent.get() else { return };
        let opened = trace.opened.get().unwrap_or(Opened { resolved: sent, connected: sent, secured: sent });
        let Opened { resolved, connected, secured } = opened;
        let took = [resolved.since(sent), connected.since(resolved), secured.since(connected), done.since(secured)];
        let longest = (0..took.len()).max_by_key(|stage| took[*stage]).unwrap_or(0);
        self.stages[longest] += 1;
        let connecting = took[1];
        let second = usize::try_from(connecting.as_secs()).unwrap_or(usize::MAX);
        let is_heap = Self::STAGES[longest] == Stage::Connecting && connecting.subsec_nanos() < HEAP.subsec_nanos();
        if let Some(count) = second.checked_sub(1).filter(|_| is_heap).and_then(|place| self.seconds.get_mut(place)) {
            *count += 1;
        }
    }

    /// Adds the tally of another lane or thread.
    pub fn add(&mut self, other: &Self) {
        self.stages.iter_mut().zip(other.stages).for_each(|(own, other)| *own += other);
        self.seconds.iter_mut().zip(other.seconds).for_each(|(own, other)| *own += other);
    }

    /// The number of slow answers.
    pub fn total(&self) -> u64 {
        self.stages.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_counts_for_the_stage_that_took_longest() {
        let at = Offset::from_millis;
        let mut tally = SlowTally::default();
        let mut count = |opened: Option<[u64; 3]>, done: u64| {
            let trace = Trace::new();
            trace.sent.set(Some(at(0)));
            let [resolved, connected, secured] = opened.unwrap_or_default().map(at);
            trace.opened.set(opened.map(|_| Opened { resolved, connected, secured }));
            tally.count(&trace, at(done));
        };
        count(None, 700);
        count(Some([0, 1_020, 1_100]), 1_200);
        count(Some([0, 3_040, 3_100]), 3_200);
        count(Some([0, 700, 710]), 720);
        count(Some([900, 910, 920]), 930);
        count(Some([0, 10, 800]), 810);
        assert_eq!((tally.stages, tally.total()), ([1, 3, 1, 1], 6));
        assert_eq!(tally.seconds, [1, 0, 1, 0, 0, 0, 0, 0]);
    }
}
