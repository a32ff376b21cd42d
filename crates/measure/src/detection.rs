//! Detection: how long an outage could have lasted without one probe of a lane meeting it, as a function of time.
//!
//! An outage that begins just after one probe was sent and ends just before the first later one was done may have met
//! neither: each may have met the service while it was still, or again, well. So each send has a longest unseen outage,
//! from itself to the earliest `done` among the probes sent after it. A late prober, slots that were not sent and a
//! slow service make it longer, then and there.

use std::collections::VecDeque;
use std::time::Duration;

use super::answer::{Health, Probe};
use super::latency::Distribution;
use super::span::Span;
use super::time::Offset;
use super::trend::Trend;

/// Follows the sends of one lane. Its probes come in slot order, which is not the order of their sends where several
/// threads send them.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Sends whose longest unseen outage is not known yet, in the order of the sends.
    pending: VecDeque<Pending>,
    unseen: Unseen,
}

/// A send whose longest unseen outage is not known yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    sent: Offset,
    /// When the probe itself had met the service; `None` for the beginning of the lane.
    met: Option<Offset>,
    /// When the first of the probes sent later had met the service, as far as is known.
    closed: Option<Offset>,
}

/// The longest outages that could have gone unseen on a lane, over the run.
#[derive(Clone, Debug)]
pub struct Unseen {
    /// By the offset from which on they could have lasted so long.
    pub trend: Trend,
    all: Distribution,
}

/// The longest outage that could have gone unseen in a stretch of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongestUnseen {
    /// How long it could have been.
    pub length: Duration,
    /// When it could have begun, to the width of a stretch of the trend.
    pub at: Offset,
}

impl Detection {
    /// A lane whose first slot is due at `start`, of which nothing was sent yet.
    pub fn new(start: Offset) -> Self {
        Self {
            pending: VecDeque::from([Pending { sent: start, met: None, closed: None }]),
            unseen: Unseen { trend: Trend::default(), all: Distribution::fine() },
        }
    }

    /// Takes the probe of the next slot.
    pub fn push(&mut self, probe: &Probe) {
        let met = match probe.class.health() {
            Health::Blind => return,
            // A failure is seen: what it belongs to is an outage with bounds of its own.
            Health::Failed => probe.sent,
            Health::Up | Health::Slow => probe.done,
        };
        let is_last = self.pending.back().is_none_or(|last| last.sent <= probe.sent);
        let place = if is_last {
            self.pending.len()
        } else {
            self.pending.partition_point(|pending| pending.sent <= probe.sent)
        };
        for earlier in self.pending.range_mut(..place).rev() {
            // What was sent earlier still has seen all of this as well.
            if earlier.closed.is_some_and(|closed| closed <= met) {
                break;
            }
            earlier.closed = Some(met);
        }
        let later = self.pending.get(place);
        let closed = later.and_then(|later| later.met.into_iter().chain(later.closed).min());
        self.pending.insert(place, Pending { sent: probe.sent, met: Some(met), closed });
        while let Some(Pending { sent, closed: Some(closed), .. }) = self.pending.front().copied()
            && closed <= probe.sent
        {
            self.unseen.record(sent, closed);
            self.pending.pop_front();
        }
    }

    /// The unseen outages of a run that ended at `end`: beyond its last answer nothing is known.
    pub fn finish(mut self, end: Offset) -> Unseen {
        for Pending { sent, closed, .. } in self.pending {
            self.unseen.record(sent, closed.unwrap_or(end));
        }
        self.unseen
    }
}

impl Unseen {
    fn record(&mut self, sent: Offset, closed: Offset) {
        self.trend.record(sent, closed.since(sent));
        self.all.record(closed.since(sent));
    }

    /// The median over all sends: what an outage had to exceed to be seen for sure, half of the time.
    pub fn median(&self) -> Duration {
        self.all.quantile(0.5).unwrap_or_default()
    }

    /// The longest one that could have lain in `window`, at least in part; only that part counts.
    pub fn longest_in(&self, window: Span) -> LongestUnseen {
        let clipped = self.trend.points().filter(|point| point.span.from < window.to).map(|point| {
            let inside = (point.span.to + point.longest).since(window.from);
            LongestUnseen { length: point.longest.min(inside), at: point.span.from.max(window.from) }
        });
        // Of equals the first.
        clipped.reduce(|worst, next| if next.length > worst.length { next } else { worst }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{probes, schedule};
    use super::*;
    use proptest::prelude::*;

    fn unseen(probes: &[Probe], end: u64) -> Unseen {
        let mut detection = Detection::new(schedule().due(0));
        for probe in probes {
            detection.push(probe);
        }
        detection.finish(Offset::from_millis(end))
    }

    fn longest(probes: &[Probe], from: u64, to: u64) -> (u64, u64) {
        let window = Span::new(Offset::from_millis(from), Offset::from_millis(to));
        let LongestUnseen { length, at } = unseen(probes, 600).longest_in(window);
        (u64::try_from(length.as_millis()).unwrap(), at.as_nanos() / 1_000_000)
    }

    #[test]
    fn a_freeze_hides_an_outage_in_its_own_time_and_nowhere_else() {
        let mut all = probes(&".".repeat(600));
        for frozen in &mut all[200..400] {
            frozen.done = Offset::from_millis(400);
        }
        assert_eq!(longest(&all, 0, 600), (201, 190));
        assert_eq!(longest(&all, 0, 180), (1, 0));
        assert_eq!(longest(&all, 420, 590), (1, 420));
        let median = unseen(&all, 600).median();
        assert!(median.abs_diff(Duration::from_millis(1)) < Duration::from_micros(20), "{median:?}");
    }

    #[test]
    fn slots_that_were_not_sent_and_late_ones_hide_an_outage_as_long_as_their_gap() {
        assert_eq!(
            longest(&probes(&format!("{}{}{}", ".".repeat(100), "?".repeat(40), ".".repeat(460))), 0, 600).0,
            41
        );
        let mut all = probes(&".".repeat(600));
        for late in &mut all[100..130] {
            (late.sent, late.done) = (Offset::from_millis(130), Offset::from_millis(130));
        }
        assert_eq!(longest(&all, 0, 600).0, 31);
    }

    #[test]
    fn a_thread_that_sends_later_than_the_other_hides_no_more_than_its_own_gap() {
        let mut all = probes(&".".repeat(600));
        for late in &mut all[100..130] {
            let thread = late.slot % 2;
            (late.sent, late.done) = (Offset::from_millis(130 + thread), Offset::from_millis(131 + thread));
        }
        assert_eq!(longest(&all, 0, 600), (32, 90));
    }

    #[test]
    fn one_slow_answer_among_fast_ones_hides_nothing() {
        let mut all = probes(&".".repeat(600));
        all[200].done = Offset::from_millis(550);
        assert_eq!(longest(&all, 0, 600).0, 2);
    }

    #[test]
    fn before_the_first_answer_and_after_the_last_nothing_is_known() {
        assert_eq!(longest(&probes("????????????????????...."), 0, 600), (577, 20));
    }

    /// The longest unseen outage of a run, as `docs/MEASUREMENT.md` defines it.
    fn by_definition(all: &[Probe], end: Offset) -> Duration {
        let sent: Vec<_> = all.iter().filter(|probe| probe.class.health() != Health::Blind).collect();
        let met = |probe: &Probe| if probe.class.health() == Health::Failed { probe.sent } else { probe.done };
        let unseen = |from: Offset, later: &dyn Fn(&Probe) -> bool| {
            let met = sent.iter().filter(|probe| later(probe)).map(|probe| met(probe));
            met.min().unwrap_or(end).since(from)
        };
        let after = |one: &&Probe| {
            unseen(one.sent, &|other| other.sent > one.sent || (other.sent == one.sent && other.slot > one.slot))
        };
        sent.iter().map(after).chain([unseen(Offset::ZERO, &|_| true)]).max().unwrap_or_default()
    }

    proptest! {
        /// Whatever the lateness and the round trips: an outage longer than the longest unseen one fails a probe.
        #[test]
        fn no_longer_outage_goes_unseen(
            threads in 1_usize..4,
            from in 5_000_000_u64..40_000_000, length in 0_u64..60_000_000,
            delays in proptest::collection::vec((0_u64..6_000_000, 0_u64..4_000_000, 0_u64..4_000_000, 0..4_u8), 130),
        ) {
            let (from, to) = (Offset::from_nanos(from), Offset::from_nanos(from + length));
            let mut all = probes(&".".repeat(130));
            let mut last = vec![Offset::ZERO; threads];
            for (probe, (late, there, back, kind)) in all.iter_mut().zip(delays) {
                let last = &mut last[usize::try_from(probe.slot).unwrap() % threads];
                probe.sent = (probe.due + Duration::from_nanos(late)).max(*last);
                *last = probe.sent;
                let met = probe.sent + Duration::from_nanos(there);
                probe.done = met + Duration::from_nanos(back);
                if kind == 0 {
                    probe.class = super::super::answer::Class::NotSent(super::super::answer::Unsent::Stall);
                } else if (from..to).contains(&met) {
                    probe.class = super::super::answer::Class::Status(503);
                }
            }
            let seen = all.iter().any(|probe| probe.class.health() == Health::Failed);
            let longest = unseen(&all, 140).longest_in(Span::new(Offset::ZERO, Offset::from_millis(140)));
            prop_assert!(seen || to.since(from) <= longest.length, "{longest:?}");
            let defined = by_definition(&all, Offset::from_millis(140));
            prop_assert!(longest.length >= defined && (threads > 1 || longest.length == defined), "{longest:?} {defined:?}");
        }
    }
}
