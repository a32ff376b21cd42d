//! The success gap of a target: the longest time without a success while probes were outstanding.
//!
//! A freeze shorter than the timeout causes no failure; it shows only here.

use std::time::Duration;

use super::answer::{Health, Probe};
use super::span::Span;
use super::time::Offset;

/// How long completions are held back so that they can be processed in order of time: the records of several threads
/// arrive in batches.
const REORDER_WINDOW: Duration = Duration::from_secs(1);

/// Finds the success gap of one target from the completions of its probes.
#[derive(Clone, Debug, Default)]
pub struct SuccessGap {
    /// `(done, sent, success)` of completions not processed yet. They are nearly in order and are sorted once a batch:
    /// a heap would touch all of its memory for each completion.
    pending: Vec<(Offset, Offset, bool)>,
    /// Whether a pending completion came after one that was not done earlier.
    out_of_order: bool,
    /// All completions up to this instant have been processed.
    settled: Offset,
    last_success: Option<Offset>,
    /// The earliest send among the completions since the last success.
    earliest_sent: Option<Offset>,
    newest: Offset,
    longest: Option<Span>,
}

impl SuccessGap {
    /// Adds a probe; the order does not matter. Probes that were not sent are ignored.
    pub fn push(&mut self, probe: &Probe) {
        let success = match probe.class.health() {
            Health::Blind => return,
            Health::Failed => false,
            Health::Up | Health::Slow => true,
        };
        self.pending.push((probe.done, probe.sent, success));
        self.out_of_order |= probe.done <= self.newest;
        self.newest = self.newest.max(probe.done);
        if self.newest.since(self.settled) >= REORDER_WINDOW * 2 {
            self.settle(self.newest.back(REORDER_WINDOW));
        }
    }

    /// The success gap, now that no probe follows; `None` if nothing was sent.
    pub fn finish(mut self) -> Option<Span> {
        self.settle(self.newest);
        if self.earliest_sent.is_some() {
            self.close(self.newest, &[]);
        }
        self.longest
    }

    fn settle(&mut self, until: Offset) {
        let mut pending = std::mem::take(&mut self.pending);
        if std::mem::take(&mut self.out_of_order) {
            pending.sort();
        }
        let settled = pending.partition_point(|(done, ..)| *done <= until);
        for (nth, (done, sent, success)) in pending[..settled].iter().copied().enumerate() {
            self.earliest_sent = Some(self.earliest_sent.map_or(sent, |earliest| earliest.min(sent)));
            if success {
                self.close(done, &pending[nth + 1..]);
                (self.last_success, self.earliest_sent) = (Some(done), None);
            }
        }
        pending.drain(..settled);
        (self.pending, self.settled) = (pending, until);
    }

    /// Ends the current gap at `to` and keeps it if it is the longest so far. `outstanding` are the probes that
    /// completed after `to`: the gap begins with the earliest send of all that are in it.
    fn close(&mut self, to: Offset, outstanding: &[(Offset, Offset, bool)]) {
        let last = self.last_success.unwrap_or(Offset::ZERO);
        if self.longest.is_some_and(|longest| longest.length() >= to.since(last)) {
            return;
        }
        let outstanding = outstanding.iter().map(|(_, sent, _)| *sent);
        if let Some(first) = outstanding.chain(self.earliest_sent).min() {
            let span = Span::new(first.max(last), to);
            self.longest = self.longest.filter(|longest| longest.length() >= span.length()).or(Some(span));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::probes;
    use super::*;
    use proptest::prelude::*;

    fn success_gap(probes: &[Probe]) -> (u64, u64) {
        let mut gap = SuccessGap::default();
        for probe in probes {
            gap.push(probe);
        }
        let span = gap.finish().unwrap();
        (span.from.as_nanos() / 1_000_000, span.to.as_nanos() / 1_000_000)
    }

    #[test]
    fn a_freeze_without_failures_is_a_success_gap() {
        let mut all = probes("....................");
        for frozen in &mut all[5..15] {
            frozen.done = Offset::from_millis(15);
        }
        assert_eq!(success_gap(&all), (5, 15));
    }

    #[test]
    fn failures_do_not_end_a_success_gap() {
        assert_eq!(success_gap(&probes("....xxxx....")), (4, 8));
        assert_eq!(success_gap(&probes("....xxxx")), (4, 7));
    }

    proptest! {
        /// Six seconds are processed in several batches. Round trips are shorter than `REORDER_WINDOW`, so no
        /// completion comes after its batch.
        #[test]
        fn processing_in_batches_finds_the_same_gap_as_processing_at_the_end(
            answers in prop::collection::vec((0..6_000_u64, 0..900_u64, any::<bool>()), 1..200),
        ) {
            let mut answers: Vec<_> = answers.into_iter().map(|(sent, takes, good)| (sent + takes, sent, good)).collect();
            answers.sort_unstable();
            let (mut live, mut whole) = (SuccessGap::default(), SuccessGap::default());
            for (done, sent, good) in answers {
                let [done, sent] = [done, sent].map(Offset::from_millis);
                let probe = Probe { sent, done, ..probes(if good { "." } else { "x" })[0] };
                live.push(&probe);
                whole.pending.push((done, sent, good));
                whole.newest = done;
            }
            prop_assert_eq!(live.finish(), whole.finish());
        }

        #[test]
        fn the_order_of_records_does_not_matter(order in Just((0..40).collect::<Vec<usize>>()).prop_shuffle()) {
            let mut all = probes("......xxxxx.......................x......");
            all[20].done = Offset::from_millis(29);
            let shuffled: Vec<_> = order.into_iter().map(|index| all[index]).collect();
            prop_assert_eq!(success_gap(&shuffled), success_gap(&all));
        }
    }
}
