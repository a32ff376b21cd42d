//! The slots that failed on a lane, as far as a report has them; what it leaves open is drawn by a seed.

use std::collections::BTreeMap;

use fastrand::Rng;
use lapse_measure::answer::{Class, Health};
use lapse_measure::schedule::Schedule;
use lapse_measure::time::Offset;
use lapse_measure::timeline::Run;

use super::wire::{Lane, Stretch};

/// The most slots of a lane that are drawn one by one: two hours of a lane of 500/s that fails throughout.
const MAX_DRAWN: u64 = 1 << 22;

/// The slots of a lane, and how much of them was drawn.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// All slots in order, the failed ones and those between.
    pub(super) runs: Vec<Run>,
    /// Failed slots whose class was drawn.
    pub(super) classes: u64,
    /// Failed slots whose place was drawn.
    pub(super) places: u64,
}

/// What is known of the slots of a lane.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    pub(super) schedule: Schedule,
    /// The number of slots in the run.
    pub(super) count: u64,
    /// Classes of failed slots that were kept one by one.
    pub(super) known: &'a BTreeMap<u64, Class>,
}

/// Failed slots on their way to a timeline.
struct Drawing<'a> {
    slots: &'a Slots<'a>,
    rng: Rng,
    drawn: Drawn,
}

/// The slots of `lane`; `None` if there are more to draw than any run has.
pub(super) fn slots(lane: &Lane, slots: &Slots<'_>, seed: u64) -> Option<Drawn> {
    let mut drawing = Drawing { slots, rng: Rng::with_seed(seed), drawn: Drawn::default() };
    let all = failed(&lane.classes);
    let mut disruptions: Vec<_> = lane.disruptions.iter().collect();
    disruptions.sort_unstable_by_key(|disruption| disruption.stretch.from_ns);
    let mut outages: Vec<_> = lane.outages.iter().collect();
    outages.sort_unstable_by_key(|outage| outage.stretch.from_ns);
    let mut outages = outages.into_iter().peekable();
    for disruption in disruptions {
        let Stretch { from_ns, to_ns } = disruption.stretch;
        while let Some(outage) = outages.next_if(|outage| outage.stretch.to_ns < from_ns) {
            drawing.outage(outage.stretch, &failed(&outage.classes))?;
        }
        let mut within = Vec::new();
        while let Some(outage) = outages.next_if(|outage| outage.stretch.from_ns <= to_ns) {
            within.push(outage);
        }
        let told = within.iter().fold(0_u64, |sum, outage| sum.saturating_add(outage.failed));
        if told >= disruption.failed {
            for outage in within {
                drawing.outage(outage.stretch, &failed(&outage.classes))?;
            }
        } else {
            drawing.share(disruption.stretch, (disruption.failed, disruption.resolved), &all)?;
        }
    }
    for outage in outages {
        drawing.outage(outage.stretch, &failed(&outage.classes))?;
    }
    drawing.well(slots.count);
    Some(drawing.drawn)
}

/// The counts of the classes that are failures.
fn failed(classes: &BTreeMap<String, u64>) -> Vec<(Class, u64)> {
    let parsed = classes.iter().filter_map(|(class, count)| Some((class.parse::<Class>().ok()?, *count)));
    parsed.filter(|(class, count)| class.health() == Health::Failed && *count > 0).collect()
}

// === impl Drawing ===

impl Drawing<'_> {
    /// The first slot that has nothing yet.
    fn next(&self) -> u64 {
        self.drawn.runs.last().map_or(0, |run| run.last_slot() + 1)
    }

    /// The slots of a stretch that have nothing yet: the first, and the one after the last.
    fn range(&self, stretch: Stretch) -> (u64, u64) {
        let slot = |ns| self.slots.schedule.slots_before(Offset::from_nanos(ns)).min(self.slots.count);
        let first = slot(stretch.from_ns).max(self.next());
        (first, slot(stretch.to_ns).saturating_add(1).min(self.slots.count).max(first))
    }

    fn push(&mut self, class: Class, slot: u64, count: u64) {
        match self.drawn.runs.last_mut() {
            _ if count == 0 => {}
            Some(run) if run.class == class && run.last_slot() + 1 == slot => run.count += count,
            _ => self.drawn.runs.push(Run { class, slot, count }),
        }
    }

    /// The service was well from the first slot that has nothing yet to `end`.
    fn well(&mut self, end: u64) {
        let next = self.next();
        self.push(Class::Ok, next, end.saturating_sub(next));
    }

    /// All slots of a stretch failed.
    fn outage(&mut self, stretch: Stretch, classes: &[(Class, u64)]) -> Option<()> {
        let (first, end) = self.range(stretch);
        self.well(first);
        if let [(class, _)] = classes {
            self.push(*class, first, end - first);
            return Some(());
        }
        self.affords(end - first)?;
        for slot in first..end {
            let class = self.class(slot, classes);
            self.push(class, slot, 1);
        }
        Some(())
    }

    /// Of `resolved` slots of a stretch `failed` did, the first and the last among them.
    fn share(&mut self, stretch: Stretch, (failed, resolved): (u64, u64), classes: &[(Class, u64)]) -> Option<()> {
        let (first, end) = self.range(stretch);
        self.affords(end - first)?;
        // What was not sent failed as often as the rest.
        let scaled = u128::from(failed) * u128::from(end - first) / u128::from(resolved.max(1));
        let mut left = u64::try_from(scaled).unwrap_or(u64::MAX).clamp(1, (end - first).max(1));
        for slot in first..end {
            let (is_edge, others) = (slot == first || slot + 1 == end, (end - slot).saturating_sub(1));
            // One of those that are left is for the last slot.
            let inner = left.saturating_sub(1);
            if is_edge || (others > 0 && self.rng.u64(0..others) < inner) {
                self.well(slot);
                let class = self.class(slot, classes);
                self.push(class, slot, 1);
                self.drawn.places += 1;
                left = inner;
            }
        }
        Some(())
    }

    /// The class of a failed slot: the one that was kept, or one that is drawn as often as it was counted.
    fn class(&mut self, slot: u64, classes: &[(Class, u64)]) -> Class {
        if let Some(class) = self.slots.known.get(&slot) {
            return *class;
        }
        self.drawn.classes += 1;
        let all = classes.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let mut drawn = if all == 0 { 0 } else { self.rng.u64(0..all) };
        for (class, count) in classes {
            match drawn.checked_sub(*count) {
                Some(rest) => drawn = rest,
                None => return *class,
            }
        }
        Class::Reset
    }

    /// Whether that many more slots can be drawn one by one.
    fn affords(&mut self, slots: u64) -> Option<()> {
        (slots <= MAX_DRAWN && self.drawn.runs.len() as u64 + slots <= MAX_DRAWN).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use lapse_measure::schedule::Rate;

    use super::*;
    use crate::coarse::wire::{Disruption, Outage};

    fn stretch(from: u64, to: u64) -> Stretch {
        Stretch { from_ns: from * 1_000_000, to_ns: to * 1_000_000 }
    }

    fn counts(classes: &[(&str, u64)]) -> BTreeMap<String, u64> {
        classes.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect()
    }

    fn lane(outages: Vec<Outage>, disruptions: Vec<Disruption>) -> Lane {
        let classes = counts(&[("ok", 900), ("reset", 30), ("status 503", 70)]);
        let (policy, protocol) = ("new".to_owned(), "http/1.1".to_owned());
        Lane { policy, protocol, resolved: 1_000, classes, sent_to_done: None, outages, disruptions }
    }

    /// The slots of a lane of 1,000/s and 1 s.
    fn drawn(lane: &Lane, known: &[(u64, Class)], seed: u64) -> Drawn {
        let schedule = Schedule::alone(Rate::per_second(1_000).unwrap(), Offset::ZERO);
        let known = known.iter().copied().collect();
        slots(lane, &Slots { schedule, count: 1_000, known: &known }, seed).unwrap()
    }

    fn count(drawn: &Drawn, class: Class) -> u64 {
        drawn.runs.iter().filter(|run| run.class == class).map(|run| run.count).sum()
    }

    #[test]
    fn an_outage_is_where_it_was_and_a_slot_that_was_kept_has_its_class() {
        let one = Outage { stretch: stretch(100, 149), classes: counts(&[("reset", 50)]), failed: 50 };
        let two = Outage { stretch: stretch(200, 249), classes: counts(&[("closed", 25), ("reset", 25)]), failed: 50 };
        let drawn = drawn(&lane(vec![two, one], Vec::new()), &[(210, Class::Dns)], 1);
        assert_eq!(drawn.runs[..2], [run(Class::Ok, 0, 100), run(Class::Reset, 100, 50)]);
        assert_eq!((count(&drawn, Class::Ok), count(&drawn, Class::Dns)), (900, 1));
        assert_eq!((drawn.classes, drawn.places), (49, 0));
        assert!(drawn.runs.windows(2).all(|pair| pair[0].last_slot() + 1 == pair[1].slot), "{:?}", drawn.runs);
    }

    fn run(class: Class, slot: u64, count: u64) -> Run {
        Run { class, slot, count }
    }

    #[test]
    fn of_a_disruption_without_its_outages_the_share_is_drawn_the_same_for_the_same_seed() {
        let disruption = || Disruption { stretch: stretch(300, 499), failed: 80, resolved: 200 };
        let lane = lane(Vec::new(), vec![disruption()]);
        let first = drawn(&lane, &[], 1);
        assert_eq!((count(&first, Class::Ok), first.places), (920, 80));
        let failed: Vec<_> = first.runs.iter().filter(|run| run.class != Class::Ok).collect();
        assert_eq!((failed[0].slot, failed[failed.len() - 1].last_slot()), (300, 499));
        assert_eq!(first.runs, drawn(&lane, &[], 1).runs);
        assert_ne!(first.runs, drawn(&lane, &[], 2).runs);
        assert!(count(&first, Class::Status(503)) > count(&first, Class::Reset), "as often as they were counted");
    }

    #[test]
    fn a_hostile_report_ends_in_bounded_memory() {
        let classes = counts(&[("reset", u64::MAX), ("closed", u64::MAX), ("nonsense", 1)]);
        let endless = Stretch { from_ns: 0, to_ns: u64::MAX };
        let outage = || Outage { stretch: endless, classes: classes.clone(), failed: u64::MAX };
        let disruption = || Disruption { stretch: endless, failed: u64::MAX, resolved: 0 };
        let lane = lane(vec![outage(), outage()], vec![disruption(), disruption()]);
        let schedule = Schedule::alone(Rate::per_second(Rate::MAX).unwrap(), Offset::ZERO);
        let known = BTreeMap::new();
        assert!(slots(&lane, &Slots { schedule, count: u64::MAX / 2, known: &known }, 1).is_none());
        assert_eq!(drawn(&lane, &[], 1).runs.iter().map(|run| run.count).sum::<u64>(), 1_000);
    }
}
