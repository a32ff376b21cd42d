//! The success gap: the longest stretch without a success although probes were outstanding.
//!
//! A freeze shorter than the timeout yields no failure at all; this is where it shows.

use std::time::Duration;

use super::answer::{Health, Probe};
use super::span::Span;
use super::time::Offset;

/// How long completions are held back so that they can be looked at in the order of time: records
/// of several threads arrive in batches.
const PATIENCE: Duration = Duration::from_secs(1);

/// Follows the completions of one target's probes.
#[derive(Clone, Debug, Default)]
pub struct SuccessGap {
    /// Completions not looked at yet: (done, sent, success). Nearly in order, and sorted only when there are many: a
    /// heap would go through all of its memory for each of them.
    pending: Vec<(Offset, Offset, bool)>,
    /// No completion before it is pending.
    settled: Offset,
    last_success: Option<Offset>,
    /// The earliest send among completions since the last success.
    earliest: Option<Offset>,
    newest: Offset,
    longest: Option<Span>,
}

impl SuccessGap {
    /// Takes a probe, in whatever order they come; one that was not sent says nothing.
    pub fn push(&mut self, probe: &Probe) {
        let success = match probe.class.health() {
            Health::Blind => return,
            Health::Failed => false,
            Health::Up | Health::Slow => true,
        };
        self.pending.push((probe.done, probe.sent, success));
        self.newest = self.newest.max(probe.done);
        if self.newest.since(self.settled) >= PATIENCE * 2 {
            self.settle(self.newest.back(PATIENCE));
        }
    }

    /// The longest silence of a run that has ended; `None` if nothing was sent.
    pub fn finish(mut self) -> Option<Span> {
        self.settle(self.newest);
        if self.earliest.is_some() {
            self.close(self.newest, None);
        }
        self.longest
    }

    fn settle(&mut self, until: Offset) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort();
        // For each completion, the earliest send among those after it, the last one's first.
        let after = pending.iter().rev().scan(None, |earliest: &mut Option<Offset>, (_, sent, _)| {
            let after = *earliest;
            *earliest = Some(earliest.map_or(*sent, |earliest| earliest.min(*sent)));
            Some(after)
        });
        let mut after: Vec<_> = after.collect();
        let settled = pending.partition_point(|(done, ..)| *done <= until);
        for (done, sent, success) in pending.drain(..settled) {
            let outstanding = after.pop().flatten();
            self.earliest = Some(self.earliest.map_or(sent, |earliest| earliest.min(sent)));
            if success {
                self.close(done, outstanding);
                (self.last_success, self.earliest) = (Some(done), None);
            }
        }
        (self.pending, self.settled) = (pending, until);
    }

    /// The stretch without success ends at `to`, if it is the longest so far. Of probes that were done only later, the
    /// first was `outstanding` from then on.
    fn close(&mut self, to: Offset, outstanding: Option<Offset>) {
        let last = self.last_success.unwrap_or(Offset::ZERO);
        if let Some(first) = outstanding.into_iter().chain(self.earliest).min() {
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

    fn silence(probes: &[Probe]) -> (u64, u64) {
        let mut silence = SuccessGap::default();
        for probe in probes {
            silence.push(probe);
        }
        let span = silence.finish().unwrap();
        (span.from.as_nanos() / 1_000_000, span.to.as_nanos() / 1_000_000)
    }

    #[test]
    fn a_freeze_that_fails_nothing_is_silence() {
        let mut all = probes("....................");
        for frozen in &mut all[5..15] {
            frozen.done = Offset::from_millis(15);
        }
        assert_eq!(silence(&all), (5, 15));
    }

    #[test]
    fn failures_do_not_break_silence() {
        assert_eq!(silence(&probes("....xxxx....")), (4, 8));
        assert_eq!(silence(&probes("....xxxx")), (4, 7));
    }

    proptest! {
        /// A run of six seconds is looked at in pieces; that answers take less than `PATIENCE` makes them fit.
        #[test]
        fn what_is_settled_on_the_way_is_what_is_seen_at_the_end(
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
            let shuffled: Vec<_> = order.into_iter().map(|place| all[place]).collect();
            prop_assert_eq!(silence(&shuffled), silence(&all));
        }
    }
}
