//! A lane's classes by slot, run-length encoded, so that memory grows with the number of changes and not with time.
//!
//! Slots resolve out of order (a probe that times out resolves late); [`Reorder`] puts them back into slot order.

use std::collections::VecDeque;

use super::answer::{Class, Health, Probe};
use super::schedule::Schedule;
use super::time::Offset;

/// Consecutive slots of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The class of all these slots.
    pub class: Class,
    /// The number of the first slot.
    pub slot: u64,
    /// The number of slots, at least one.
    pub count: u64,
}

impl Run {
    /// The number of the last slot.
    pub const fn last_slot(&self) -> u64 {
        self.slot + self.count - 1
    }
}

/// The classes of a lane by slot, as runs of equal class.
#[derive(Clone, Debug)]
pub struct Timeline {
    schedule: Schedule,
    runs: Vec<Run>,
}

impl Timeline {
    /// An empty timeline of a lane with this schedule.
    pub const fn new(schedule: Schedule) -> Self {
        Self { schedule, runs: Vec::new() }
    }

    /// Appends the probe of the next slot. A missing slot (the journal was cut) ends the current run.
    pub fn push(&mut self, probe: &Probe) {
        match self.runs.last_mut() {
            Some(run) if run.class == probe.class && run.last_slot() + 1 == probe.slot => run.count += 1,
            _ => self.runs.push(Run { class: probe.class, slot: probe.slot, count: 1 }),
        }
    }

    /// Takes failed slots for `ok` ones where `forgiven` says so of the time at which their run's first slot was due.
    pub(super) fn forgive(&mut self, forgiven: impl Fn(Offset) -> bool) {
        let schedule = self.schedule;
        let failed = self.runs.iter_mut().filter(|run| run.class.health() == Health::Failed);
        failed.filter(|run| forgiven(schedule.due(run.slot))).for_each(|run| run.class = Class::Ok);
    }

    /// When this lane's slots are due.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The runs, in slot order; neighbours differ in class or have missing slots between them.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The parts of the runs due in `[from, to)`, as class, number of the first slot and number of slots.
    pub fn between(&self, from: Offset, to: Offset) -> impl Iterator<Item = (Class, u64, u64)> + '_ {
        let (first, end) = (self.schedule.slots_before(from), self.schedule.slots_before(to));
        let start = self.runs.partition_point(|run| run.last_slot() < first);
        self.runs[start..].iter().take_while(move |run| run.slot < end).map(move |run| {
            let slot = run.slot.max(first);
            (run.class, slot, (run.last_slot() + 1).min(end) - slot)
        })
    }
}

/// Puts records of slots back into slot order. A record can be taken out once those of all earlier slots are out.
#[derive(Clone, Debug)]
pub struct Reorder<T> {
    next: u64,
    waiting: VecDeque<Option<T>>,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { next: 0, waiting: VecDeque::new() }
    }
}

impl<T> Reorder<T> {
    /// The most slots that may wait for an earlier one: more than a minute's worth at 100,000 slots per second. Only a
    /// damaged journal goes beyond it.
    const MAX_WAITING: usize = 1 << 23;

    /// Takes out the record of this slot at once, without keeping it, if it is the next one. Returns false, and changes
    /// nothing, if it is not.
    pub fn pass(&mut self, slot: u64) -> bool {
        if slot != self.next || matches!(self.waiting.front(), Some(Some(_))) {
            return false;
        }
        self.waiting.pop_front();
        self.next += 1;
        true
    }

    /// Adds the record of a slot. Returns false, and drops the record, if the slot already had one or is millions of
    /// slots ahead of the next one.
    pub fn push(&mut self, slot: u64, record: T) -> bool {
        let Some(index) = slot.checked_sub(self.next).and_then(|index| usize::try_from(index).ok()) else {
            return false;
        };
        if index > Self::MAX_WAITING {
            return false;
        }
        if index >= self.waiting.len() {
            self.waiting.resize_with(index + 1, || None);
        }
        match &mut self.waiting[index] {
            Some(_) => false,
            free => {
                *free = Some(record);
                true
            }
        }
    }

    /// Takes out the record of the next slot; `None` if it has not arrived yet.
    pub fn pop(&mut self) -> Option<T> {
        let record = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.next += 1;
        Some(record)
    }

    /// Takes out all remaining records in slot order and skips slots that have none.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        let waiting = std::mem::take(&mut self.waiting);
        self.next += waiting.len() as u64;
        waiting.into_iter().flatten()
    }
}

/// The state of a target in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// All probes due in the cell succeeded in time.
    Up,
    /// No probe failed, some were slow.
    Slow,
    /// Some of the probes failed.
    Degraded,
    /// All probes failed.
    Down,
    /// Slots were due, but none was sent.
    Blind,
    /// No slot was due.
    Unobserved,
}

impl State {
    /// The word for the state in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Blind => "blind",
            Self::Unobserved => "unobserved",
        }
    }
}

/// The results of the probes due in one span of time, usually a millisecond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The number of probes by class, sorted by class.
    pub classes: Vec<(Class, u64)>,
}

impl Cell {
    /// Adds `count` probes of `class`.
    pub fn add(&mut self, class: Class, count: u64) {
        match self.classes.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => self.classes[at].1 += count,
            Err(at) => self.classes.insert(at, (class, count)),
        }
    }

    /// The cell of all slots of these timelines that are due in `[from, to)`.
    pub fn of<'a>(timelines: impl IntoIterator<Item = &'a Timeline>, from: Offset, to: Offset) -> Self {
        let mut cell = Self::default();
        for (class, _, count) in timelines.into_iter().flat_map(|timeline| timeline.between(from, to)) {
            cell.add(class, count);
        }
        cell
    }

    /// The number of probes whose class has this health.
    pub fn count(&self, health: Health) -> u64 {
        self.classes.iter().filter(|(class, _)| class.health() == health).map(|(_, count)| count).sum()
    }

    /// The number of probes that failed.
    pub fn failed(&self) -> u64 {
        self.count(Health::Failed)
    }

    /// The number of probes that were sent and came to a result, good or bad.
    pub fn resolved(&self) -> u64 {
        self.due() - self.count(Health::Blind)
    }

    /// The number of slots that were due, sent or not.
    pub fn due(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }

    /// The state of the cell: failures count before slow probes, and any sent probe counts before blind slots.
    pub fn state(&self) -> State {
        let [up, slow, failed, blind] =
            [Health::Up, Health::Slow, Health::Failed, Health::Blind].map(|health| self.count(health));
        match (up + slow, failed) {
            (0, 0) if blind == 0 => State::Unobserved,
            (0, 0) => State::Blind,
            (0, _) => State::Down,
            (_, 1..) => State::Degraded,
            _ if slow > 0 => State::Slow,
            _ => State::Up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{lane, probes};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn consecutive_slots_of_a_class_are_one_run() {
        let timeline = lane("....xxxx..r.");
        let runs: Vec<_> = timeline.runs().iter().map(|run| (run.slot, run.count)).collect();
        assert_eq!(runs, [(0, 4), (4, 4), (8, 2), (10, 1), (11, 1)]);
    }

    #[test]
    fn a_cell_has_the_state_of_the_probes_due_in_it() {
        let check = |notation: &str, state| {
            let cell = Cell::of([&lane(notation)], Offset::ZERO, Offset::from_millis(100));
            assert_eq!(cell.state(), state, "{notation}");
        };
        check("....", State::Up);
        check("..s.", State::Slow);
        check("..sx", State::Degraded);
        check("xxr?", State::Down);
        check("???", State::Blind);
        check("", State::Unobserved);
    }

    #[test]
    fn a_window_contains_the_slots_due_in_it() {
        let timeline = lane("....xxxx..");
        let seen: Vec<_> = timeline.between(Offset::from_millis(2), Offset::from_millis(6)).collect();
        assert_eq!(seen, [(Class::Ok, 2, 2), (Class::Status(503), 4, 2)]);
    }

    proptest! {
        #[test]
        fn slots_that_resolve_in_any_order_come_out_in_slot_order(order in Just((0..60).collect::<Vec<usize>>()).prop_shuffle()) {
            let all = probes(&".".repeat(60));
            let (mut reorder, mut out) = (Reorder::default(), Vec::new());
            for index in order {
                prop_assert!(reorder.push(all[index].slot, all[index]));
                prop_assert!(!reorder.push(all[index].slot, all[index]), "one slot, one record");
                out.extend(std::iter::from_fn(|| reorder.pop()));
            }
            prop_assert_eq!(out, all);
        }

        #[test]
        fn a_timeline_contains_every_slot_once(notation in "[.xrs?]{1,80}") {
            let timeline = lane(&notation);
            prop_assert_eq!(timeline.runs().iter().map(|run| run.count).sum::<u64>(), notation.len() as u64);
            prop_assert!(timeline.runs().windows(2).all(|pair| pair[0].class != pair[1].class && pair[0].last_slot() + 1 == pair[1].slot));
        }
    }
}
