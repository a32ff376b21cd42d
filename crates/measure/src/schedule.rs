//! Rates, and the instants at which slots are due. Each is computed from the slot's number with integers, so that due
//! times do not drift over hours.

use std::num::NonZeroU64;
use std::time::Duration;

use super::time::{Offset, nanos};

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Probes per second of one target, summed over its lanes; 1 to [`Rate::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// The highest rate that is accepted, in slots per second. Neighbouring slots are then 100 ns apart.
    pub const MAX: u64 = 10_000_000;

    /// A rate of `per_second` slots; `None` for zero and for more than [`Rate::MAX`].
    pub const fn per_second(per_second: u64) -> Option<Self> {
        match NonZeroU64::new(per_second) {
            Some(rate) if per_second <= Self::MAX => Some(Self(rate)),
            _ => None,
        }
    }

    /// The rate in slots per second.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

/// When the slots of one lane are due: slot k at `phase + k x lanes / rate` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    phase: Offset,
    lanes: NonZeroU64,
    rate: Rate,
}

impl Schedule {
    /// The schedules of the lanes of one target, interleaved: together they have `rate` evenly spaced slots per second,
    /// from `start` on.
    pub fn interleaved(rate: Rate, lanes: NonZeroU64, start: Offset) -> impl Iterator<Item = Self> {
        (0..lanes.get()).map(move |lane| {
            let shift = u128::from(lane) * NANOS_PER_SECOND / u128::from(rate.get());
            Self { phase: start + Duration::from_nanos(saturate(shift)), lanes, rate }
        })
    }

    /// The schedule of the only lane of a target: `rate` slots per second from `start` on.
    pub const fn alone(rate: Rate, start: Offset) -> Self {
        Self { phase: start, lanes: NonZeroU64::MIN, rate }
    }

    /// The instant at which the slot of this number is due.
    pub fn due(&self, slot: u64) -> Offset {
        let nanos = u128::from(slot) * self.nanos_numerator() / u128::from(self.rate.get());
        self.phase + Duration::from_nanos(saturate(nanos))
    }

    /// How many slots are due before `at`, which is also the number of the first slot due at or after `at`.
    pub fn slots_before(&self, at: Offset) -> u64 {
        let nanos = u128::from(nanos(at.since(self.phase)));
        saturate((nanos * u128::from(self.rate.get())).div_ceil(self.nanos_numerator()))
    }

    /// The time from one slot of this lane to the next, rounded down to a nanosecond.
    pub fn period(&self) -> Duration {
        self.time_of(1)
    }

    /// `slots` times the period, rounded once at the end: a rounded period would add up its error.
    pub fn time_of(&self, slots: u64) -> Duration {
        Duration::from_nanos(saturate(u128::from(slots) * self.nanos_numerator() / u128::from(self.rate.get())))
    }

    /// Slots per second of this lane alone; a float, for printing only.
    #[expect(clippy::cast_precision_loss, reason = "rates are at most ten million")]
    pub fn rate(&self) -> f64 {
        self.rate.get() as f64 / self.lanes.get() as f64
    }

    fn nanos_numerator(&self) -> u128 {
        u128::from(self.lanes.get()) * NANOS_PER_SECOND
    }
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedules(rate: u64, lanes: u64) -> Vec<Schedule> {
        let rate = Rate::per_second(rate).unwrap();
        Schedule::interleaved(rate, NonZeroU64::new(lanes).unwrap(), Offset::ZERO).collect()
    }

    #[test]
    fn two_lanes_at_a_thousand_are_due_every_other_millisecond_each() {
        let lanes = schedules(1000, 2);
        let due = |lane: usize| (0..3).map(|k| lanes[lane].due(k).as_nanos() / 1_000_000).collect::<Vec<_>>();
        assert_eq!((due(0), due(1)), (vec![0, 2, 4], vec![1, 3, 5]));
        assert_eq!(lanes[0].period(), Duration::from_millis(2));
    }

    #[test]
    fn a_rate_of_zero_or_above_the_maximum_is_refused() {
        assert_eq!(Rate::per_second(0), None);
        assert_eq!(Rate::per_second(Rate::MAX + 1), None);
    }

    proptest! {
        #[test]
        fn due_times_do_not_drift(rate in 1..=Rate::MAX, lanes in 1_u64..9, hours in 0_u64..100_000) {
            let lane = schedules(rate, lanes)[0];
            prop_assert_eq!(lane.due(rate * hours), Offset::ZERO + Duration::from_secs(lanes * hours));
        }

        #[test]
        fn slots_before_an_instant_are_those_due_before_it(
            rate in 1..=Rate::MAX, lanes in 1_u64..9, lane in 0_usize..8, slot in 0_u64..1 << 40,
        ) {
            let all = schedules(rate, lanes);
            let schedule = all[lane % all.len()];
            let due = schedule.due(slot);
            // Offsets reach 584 years; later slots are all due at their last instant.
            prop_assume!(due < Offset::from_nanos(u64::MAX - 1));
            prop_assert_eq!(schedule.slots_before(due), slot);
            prop_assert_eq!(schedule.slots_before(due + Duration::from_nanos(1)), slot + 1);
        }

        #[test]
        fn gaps_between_slots_of_all_lanes_are_at_most_one_period_of_the_rate(rate in 1_u64..=1_000_000, lanes in 1_u64..9, slot in 0_u64..1 << 30) {
            let all = schedules(rate, lanes);
            let mut due: Vec<_> = all.iter().flat_map(|lane| [lane.due(slot), lane.due(slot + 1)]).collect();
            due.sort_unstable();
            let widest = due.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
            prop_assert!(widest <= Duration::from_nanos(1_000_000_000 / rate + 2));
        }
    }
}
