//! Outages of a lane, each with the brackets in which the true one lies.
//!
//! A probe meets the service at some instant between its `sent` and its `done`. So the brackets are
//! made of those two and of nothing else: no tolerance is added, and a late or slow prober prints
//! wider ones by itself. Probes overtake each other; a success counts as "before" an outage only if
//! it was done before the first failure was sent, and as "after" only if it was sent after the last
//! failure had met the service.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Class, Health, Probe};
use super::coverage::SLACK;
use super::lane::LaneId;
use super::schedule::Schedule;
use super::time::{Bounded, Offset};

/// Why the start or the end of an outage has no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    /// No probe of the lane succeeded before the outage.
    Start,
    /// No probe of the lane succeeded after the outage.
    End,
}

impl Open {
    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

/// A strict outage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutageId {
    /// The lane that had it.
    pub lane: LaneId,
    /// Its place among the lane's outages, in the order of time, from 0.
    pub nth: usize,
}

/// A strict outage: a maximal run of consecutive failed slots of a lane. Blind slots neither extend nor break it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first failed slot was due.
    pub from: Offset,
    /// When the last failed slot was due.
    pub to: Offset,
    /// The earliest and the latest instant at which the outage can have begun; `None` if no success bounds it.
    pub began: (Option<Offset>, Offset),
    /// The earliest and the latest instant at which the outage can have ended; `None` if no success bounds it.
    pub ended: (Offset, Option<Offset>),
    /// The number of failed slots.
    pub failed: u64,
    /// The number of failed slots times the lane's period.
    pub estimate: Duration,
    /// How many of these were sent more than [`SLACK`] after they were due: the prober itself was held up.
    pub failed_late: u64,
    /// The number of failed slots by class.
    pub classes: BTreeMap<Class, u64>,
    /// Why the start or the end has no bound; empty if both have one.
    pub open: Vec<Open>,
}

impl Outage {
    /// The duration, with bounds from the brackets of its start and its end.
    pub fn duration(&self) -> Bounded {
        let at_most = self.began.0.zip(self.ended.1).map(|(from, to)| to.since(from));
        Bounded::new(self.estimate, self.ended.0.since(self.began.1), at_most)
    }
}

/// How many successes are kept before those that are done are settled, at the least: few enough to look through where an
/// outage begins, and many enough that a success costs little.
const MOST_RECENT: usize = 64;

/// Finds the stretches of one health in a lane's probes, which it is given in slot order.
///
/// With [`Finder::outages`] these are the outages; [`Finder::slow`] brackets slow stretches alike.
#[derive(Clone, Debug)]
pub struct Finder {
    schedule: Schedule,
    wanted: Health,
    found: Vec<Outage>,
    inside: bool,
    /// Indices in `found` whose end has no upper bound yet, each with the instant after which a success must be sent to
    /// bound it.
    awaiting_success: Vec<(usize, Offset)>,
    /// `(done, sent)` of the newest successes. Only the start of an outage asks for them, so they are merely kept, and
    /// the older ones settled when there are [`Self::most_recent`] of them.
    recent: Vec<(Offset, Offset)>,
    most_recent: usize,
    /// The latest `sent` among the settled successes, which were done when some earlier slot was due. Due times, unlike
    /// the send times of several threads, never decrease from one slot to the next.
    settled: Option<Offset>,
    longest_trip: Duration,
}

impl Finder {
    /// Finds outages: what is neither failed nor blind is a success.
    pub fn outages(schedule: Schedule) -> Self {
        Self::new(schedule, Health::Failed)
    }

    /// Finds slow stretches: only what is up is a success.
    pub fn slow(schedule: Schedule) -> Self {
        Self::new(schedule, Health::Slow)
    }

    fn new(schedule: Schedule, wanted: Health) -> Self {
        Self {
            schedule,
            wanted,
            found: Vec::new(),
            inside: false,
            awaiting_success: Vec::new(),
            recent: Vec::new(),
            most_recent: MOST_RECENT,
            settled: None,
            longest_trip: Duration::ZERO,
        }
    }

    /// Takes the probe of the next slot.
    pub fn push(&mut self, probe: &Probe) {
        match probe.class.health() {
            Health::Blind => {}
            health if health == self.wanted => self.extend_run(probe),
            health => {
                self.inside = false;
                if health == Health::Up || self.wanted == Health::Failed {
                    self.add_success(probe);
                }
            }
        }
    }

    /// The stretches found, in order of time; one without a success after it is open at its end.
    pub fn finish(mut self) -> Vec<Outage> {
        for (place, _) in &self.awaiting_success {
            self.found[*place].open.push(Open::End);
        }
        self.found
    }

    /// Settles the successes that were done at `now`, when the newest slot was due.
    fn settle(&mut self, now: Offset) {
        let settled = &mut self.settled;
        self.recent.retain(|(done, sent)| {
            let is_done = *done <= now;
            if is_done {
                *settled = (*settled).max(Some(*sent));
            }
            !is_done
        });
        self.most_recent = MOST_RECENT.max(self.recent.len() * 2);
    }

    /// The newest `sent` of a success that was done at `at`, not before the newest slot was due.
    fn last_success(&self, at: Offset) -> Option<Offset> {
        let done = self.recent.iter().filter(|(done, _)| *done <= at);
        done.map(|(_, sent)| *sent).max().max(self.settled)
    }

    fn extend_run(&mut self, probe: &Probe) {
        if !self.inside {
            self.begin(probe);
        }
        let met = self.met(probe);
        if let Some(outage) = self.found.last_mut() {
            outage.to = probe.due;
            outage.began.1 = outage.began.1.min(met);
            outage.ended.0 = outage.ended.0.max(probe.sent);
            outage.failed += 1;
            outage.failed_late += u64::from(probe.sent.since(probe.due) > SLACK);
            outage.estimate = self.schedule.time_of(outage.failed);
            *outage.classes.entry(probe.class).or_insert(0) += 1;
        }
        let index = self.found.len() - 1;
        match self.awaiting_success.last_mut() {
            Some((last, after)) if *last == index => *after = met.max(*after),
            _ => self.awaiting_success.push((index, met)),
        }
    }

    fn begin(&mut self, probe: &Probe) {
        self.inside = true;
        let earliest = self.last_success(probe.sent);
        let open = if earliest.is_none() { vec![Open::Start] } else { Vec::new() };
        self.found.push(Outage {
            from: probe.due,
            to: probe.due,
            began: (earliest, self.met(probe)),
            ended: (probe.sent, None),
            failed: 0,
            failed_late: 0,
            estimate: Duration::ZERO,
            classes: BTreeMap::new(),
            open,
        });
    }

    fn add_success(&mut self, probe: &Probe) {
        if probe.class == Class::Ok {
            self.longest_trip = self.longest_trip.max(probe.done.since(probe.sent));
        }
        if self.recent.len() >= self.most_recent {
            self.settle(probe.due);
        }
        self.recent.push((probe.done, probe.sent));
        if self.awaiting_success.is_empty() {
            return;
        }
        let found = &mut self.found;
        self.awaiting_success.retain(|(place, after)| {
            let settles = probe.sent >= *after;
            if settles {
                found[*place].ended.1 = Some(probe.done);
            }
            !settles
        });
    }

    /// The latest instant at which this probe met the service. Of one that the prober's clock ended
    /// only `sent` is known; the longest healthy round trip says how long a probe may be on its way.
    fn met(&self, probe: &Probe) -> Offset {
        if probe.timed_out && !self.longest_trip.is_zero() {
            probe.done.min(probe.sent + self.longest_trip)
        } else {
            probe.done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Unsent;
    use super::super::notation::{probes, probes_on, schedule, schedules};
    use super::*;
    use proptest::prelude::*;

    fn find(schedule: Schedule, probes: &[Probe]) -> Vec<Outage> {
        let mut finder = Finder::outages(schedule);
        for probe in probes {
            finder.push(probe);
        }
        finder.finish()
    }

    /// `from..to` in ms, failed slots, the bounds of the duration, and what is open.
    fn said(schedule: Schedule, probes: &[Probe]) -> Vec<String> {
        let ms = |at: Offset| at.as_nanos() / 1_000_000;
        let say = |outage: &Outage| {
            let open: Vec<_> = outage.open.iter().map(|side| side.name()).collect();
            let duration = outage.duration();
            let high = duration.at_most.map_or("?".into(), |high| high.as_millis().to_string());
            let low = duration.at_least.as_millis();
            format!("down {}..{} x{} {low}-{high} {}", ms(outage.from), ms(outage.to), outage.failed, open.join(" "))
        };
        find(schedule, probes).iter().map(|outage| say(outage).trim_end().to_owned()).collect()
    }

    fn check(notation: &str, expected: &[&str]) {
        assert_eq!(said(schedule(), &probes(notation)), expected, "{notation}");
    }

    #[test]
    fn an_outage_is_a_maximal_run_of_failed_slots() {
        check("..........", &[]);
        check("....xxxx..", &["down 4..7 x4 3-5"]);
        check("..xrx..r..", &["down 2..4 x3 2-4", "down 7..7 x1 0-2"]);
        check("..x.x.....", &["down 2..2 x1 0-2", "down 4..4 x1 0-2"]);
    }

    #[test]
    fn blind_slots_neither_extend_nor_break_an_outage() {
        check("..xx??xx..", &["down 2..7 x4 5-7"]);
        check("..xx??....", &["down 2..3 x2 1-5"]);
        check("..??xx....", &["down 4..5 x2 1-5"]);
        check("..??..xx..", &["down 6..7 x2 1-3"]);
    }

    #[test]
    fn an_outage_cut_by_the_run_says_so() {
        check("xx........", &["down 0..1 x2 1-? start"]);
        check("......xxxx", &["down 6..9 x4 3-? end"]);
        check("xxxx", &["down 0..3 x4 3-? start end"]);
        check("xx??", &["down 0..1 x2 1-? start end"]);
    }

    #[test]
    fn a_probe_that_timed_out_met_the_service_within_a_healthy_round_trip() {
        let mut all = probes("....tttt..");
        all[1].done = all[1].sent + Duration::from_millis(1);
        let outage = find(schedule(), &all).remove(0);
        assert_eq!(outage.began, (Some(Offset::from_millis(3)), Offset::from_millis(5)));
        assert_eq!(outage.duration().at_least, Duration::from_millis(2));
    }

    #[test]
    fn a_success_that_overlaps_the_failure_bounds_nothing() {
        // Slot 3 was on its way while slot 4 failed: it may have met the service before or after.
        let mut all = probes("....x.....");
        all[3].done = all[4].sent + Duration::from_millis(3);
        let outage = find(schedule(), &all).remove(0);
        assert_eq!(outage.began.0, Some(Offset::from_millis(2)));
    }

    #[test]
    fn the_worked_example_of_the_definitions() {
        let down = |at: Offset| (2000..2300).contains(&(at.as_nanos() / 1_000_000));
        let outages: Vec<_> = schedules(2)
            .into_iter()
            .map(|schedule| {
                let notation: String = (0..2500).map(|slot| if down(schedule.due(slot)) { 'x' } else { '.' }).collect();
                said(schedule, &probes_on(&schedule, &notation))
            })
            .collect();
        assert_eq!(outages, [["down 2000..2298 x150 298-302"], ["down 2001..2299 x150 298-302"]]);
    }

    proptest! {
        /// Whatever the lateness and the round trips: every outage found brackets the one that there was.
        #[test]
        fn truth_lies_inside_the_bounds(
            from in 5_000_000_u64..40_000_000, length in 0_u64..60_000_000,
            delays in proptest::collection::vec((0_u64..3_000_000, 0_u64..4_000_000, 0_u64..4_000_000, 0..5_u8), 120),
        ) {
            let (from, to) = (Offset::from_nanos(from), Offset::from_nanos(from + length));
            let mut all = probes(&".".repeat(120));
            for (probe, (late, there, back, kind)) in all.iter_mut().zip(delays) {
                probe.sent = probe.due + Duration::from_nanos(late);
                let met = probe.sent + Duration::from_nanos(there);
                probe.done = met + Duration::from_nanos(back);
                if kind == 0 {
                    probe.class = Class::NotSent(Unsent::Stall);
                } else if (from..to).contains(&met) {
                    probe.class = Class::Status(503);
                }
            }
            for outage in find(schedule(), &all) {
                prop_assert!(outage.began.0.is_none_or(|earliest| earliest <= from) && from <= outage.began.1);
                prop_assert!(outage.ended.0 <= to && outage.ended.1.is_none_or(|latest| to <= latest));
                let duration = outage.duration();
                prop_assert!(duration.at_least <= to.since(from));
                prop_assert!(duration.at_most.is_none_or(|at_most| to.since(from) <= at_most));
            }
        }
    }
}
