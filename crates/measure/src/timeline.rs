//! A lane's answers, run-length encoded by slot: memory grows with the number of changes, not with time.
//!
//! Slots resolve out of order (a probe that times out resolves late) but are folded in order.

use std::collections::VecDeque;

use super::answer::{Class, Health, Probe};
use super::schedule::Schedule;
use super::time::Offset;

/// Consecutive slots of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What all of these slots saw.
    pub class: Class,
    /// The first slot's number.
    pub slot: u64,
    /// How many slots.
    pub count: u64,
}

impl Run {
    /// The number of the last slot.
    pub const fn last_slot(&self) -> u64 {
        self.slot + self.count - 1
    }
}

/// A lane's answers by slot.
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

    /// Appends the next slot's probe. A slot without a record (the run was cut) ends the run before it.
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

    /// The runs, in slot order.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The parts of the runs due in `[from, to)`: class, first slot's number, and how many slots.
    pub fn between(&self, from: Offset, to: Offset) -> impl Iterator<Item = (Class, u64, u64)> + '_ {
        let (first, end) = (self.schedule.slots_before(from), self.schedule.slots_before(to));
        let start = self.runs.partition_point(|run| run.last_slot() < first);
        self.runs[start..].iter().take_while(move |run| run.slot < end).map(move |run| {
            let slot = run.slot.max(first);
            (run.class, slot, (run.last_slot() + 1).min(end) - slot)
        })
    }
}

/// Puts what is known of slots back into their order: in as they resolve, out as soon as all before them are out.
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
    /// Slots that may wait for one before them: what a minute of stall leaves at a hundred thousand slots a
    /// second. Only a damaged journal has more.
    const MOST: usize = 1 << 23;

    /// Takes a slot's record in. A slot that has already been let out, or is in, is refused: one slot, one record.
    /// So is one that is millions of slots ahead.
    pub fn push(&mut self, slot: u64, record: T) -> bool {
        let Some(place) = slot.checked_sub(self.next).and_then(|place| usize::try_from(place).ok()) else {
            return false;
        };
        if place > Self::MOST {
            return false;
        }
        if place >= self.waiting.len() {
            self.waiting.resize_with(place + 1, || None);
        }
        match &mut self.waiting[place] {
            Some(_) => false,
            free => {
                *free = Some(record);
                true
            }
        }
    }

    /// Lets the next slot in order out.
    pub fn pop(&mut self) -> Option<T> {
        let record = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.next += 1;
        Some(record)
    }

    /// Lets out all that is in, in order, giving up on slots of which there is no record.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        let waiting = std::mem::take(&mut self.waiting);
        self.next += waiting.len() as u64;
        waiting.into_iter().flatten()
    }

    /// The number of the next slot to be let out.
    pub const fn next_slot(&self) -> u64 {
        self.next
    }
}

/// What one millisecond looked like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// All probes due in it were answered as expected.
    Up,
    /// No failure, some slow.
    Slow,
    /// Some failed.
    Degraded,
    /// All failed.
    Down,
    /// Only slots that were not sent.
    Blind,
    /// No slot due in it.
    Unobserved,
}

impl State {
    /// The word for it.
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

/// How the probes due in one stretch of time, usually a millisecond, were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many of each class, in the order of classes.
    pub classes: Vec<(Class, u64)>,
}

impl Cell {
    /// Adds `count` answers of `class`.
    pub fn add(&mut self, class: Class, count: u64) {
        match self.classes.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => self.classes[at].1 += count,
            Err(at) => self.classes.insert(at, (class, count)),
        }
    }

    /// The cell of what these timelines have due in `[from, to)`.
    pub fn of<'a>(timelines: impl IntoIterator<Item = &'a Timeline>, from: Offset, to: Offset) -> Self {
        let mut cell = Self::default();
        for (class, _, count) in timelines.into_iter().flat_map(|timeline| timeline.between(from, to)) {
            cell.add(class, count);
        }
        cell
    }

    /// How many probes of this health.
    pub fn count(&self, health: Health) -> u64 {
        self.classes.iter().filter(|(class, _)| class.health() == health).map(|(_, count)| count).sum()
    }

    /// How many probes failed.
    pub fn failed(&self) -> u64 {
        self.count(Health::Failed)
    }

    /// How many probes came to an answer, good or bad.
    pub fn resolved(&self) -> u64 {
        self.due() - self.count(Health::Blind)
    }

    /// How many probes were due.
    pub fn due(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }

    /// What it looked like.
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
    fn answers_are_kept_as_runs() {
        let timeline = lane("....xxxx..r.");
        let runs: Vec<_> = timeline.runs().iter().map(|run| (run.slot, run.count)).collect();
        assert_eq!(runs, [(0, 4), (4, 4), (8, 2), (10, 1), (11, 1)]);
    }

    #[test]
    fn a_cell_says_what_its_millisecond_looked_like() {
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
    fn a_window_sees_the_slots_due_in_it() {
        let timeline = lane("....xxxx..");
        let seen: Vec<_> = timeline.between(Offset::from_millis(2), Offset::from_millis(6)).collect();
        assert_eq!(seen, [(Class::Ok, 2, 2), (Class::Status(503), 4, 2)]);
    }

    proptest! {
        #[test]
        fn whatever_order_slots_resolve_in_they_come_out_in_slot_order(order in Just((0..60).collect::<Vec<usize>>()).prop_shuffle()) {
            let all = probes(&".".repeat(60));
            let (mut reorder, mut out) = (Reorder::default(), Vec::new());
            for place in order {
                prop_assert!(reorder.push(all[place].slot, all[place]));
                prop_assert!(!reorder.push(all[place].slot, all[place]), "one slot, one record");
                out.extend(std::iter::from_fn(|| reorder.pop()));
            }
            prop_assert_eq!(out, all);
        }

        #[test]
        fn a_timeline_holds_every_slot_once(notation in "[.xrs?]{1,80}") {
            let timeline = lane(&notation);
            prop_assert_eq!(timeline.runs().iter().map(|run| run.count).sum::<u64>(), notation.len() as u64);
            prop_assert!(timeline.runs().windows(2).all(|pair| pair[0].class != pair[1].class && pair[0].last_slot() + 1 == pair[1].slot));
        }
    }
}
