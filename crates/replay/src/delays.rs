//! How long each slot of a lane took, in bounded memory.

use std::time::Duration;

/// The most durations that are kept of a lane: at 500 slots a second, those of the first nine hours.
const MAX_KEPT: usize = 1 << 24;

/// The duration from `sent` to `done` by slot. Beyond some millions of slots, neighbours share one.
#[derive(Clone, Debug)]
pub(crate) struct Delays {
    /// Microseconds of each `stride` slots; zero where nothing is known.
    micros: Vec<u32>,
    stride: u64,
    max: usize,
}

impl Default for Delays {
    fn default() -> Self {
        Self { micros: Vec::new(), stride: 1, max: MAX_KEPT }
    }
}

impl Delays {
    /// Keeps the duration of a slot. A slot so far ahead that a journal with it can only be damaged is ignored.
    pub(crate) fn record(&mut self, slot: u64, took: Duration) {
        if slot >> 40 != 0 {
            return;
        }
        while slot / self.stride >= self.max as u64 {
            self.micros = self.micros.iter().step_by(2).copied().collect();
            self.stride *= 2;
        }
        let Ok(place) = usize::try_from(slot / self.stride) else { return };
        if place >= self.micros.len() {
            self.micros.resize(place + 1, 0);
        }
        // A duration of zero is told from an unknown one.
        self.micros[place] = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
    }

    /// The duration of a slot, or of its neighbour where they share one; `None` if unknown.
    pub(crate) fn of(&self, slot: u64) -> Option<Duration> {
        let place = usize::try_from(slot / self.stride).ok()?;
        let micros = *self.micros.get(place)?;
        (micros > 0).then(|| Duration::from_micros(micros.into()))
    }
}

/// How long the slots of a lane took.
#[derive(Clone, Debug)]
pub(crate) enum Took {
    /// As it was recorded.
    Recorded(Delays),
    /// Drawn by a seed from the quantiles of healthy answers.
    Drawn(Quantiles),
}

/// Quantiles of durations, and the seed by which durations are drawn from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantiles {
    /// Shares from the median on, each with the duration that this share did not exceed.
    points: [(f64, Duration); 5],
    seed: u64,
}

impl Took {
    /// The duration of a slot; zero if unknown.
    pub(crate) fn of(&self, slot: u64) -> Duration {
        match self {
            Self::Recorded(delays) => delays.of(slot).unwrap_or_default(),
            Self::Drawn(quantiles) => quantiles.of(slot),
        }
    }
}

impl Quantiles {
    /// Quantiles of which the durations are those of the median, of 90, 99 and 99.9 %, and the longest.
    pub(crate) fn new(durations: [Duration; 5], seed: u64) -> Self {
        let shares = [0.5, 0.9, 0.99, 0.999, 1.0];
        let mut points = [(0.0, Duration::ZERO); 5];
        let mut least = Duration::ZERO;
        for (point, (share, duration)) in points.iter_mut().zip(shares.into_iter().zip(durations)) {
            least = least.max(duration);
            *point = (share, least);
        }
        Self { points, seed }
    }

    /// The duration of a slot, the same each time: between two quantiles each is as likely as another, and below the
    /// median it is the median.
    fn of(&self, slot: u64) -> Duration {
        let drawn = fastrand::Rng::with_seed(self.seed ^ slot.wrapping_mul(0x9e37_79b9_7f4a_7c15)).f64();
        let after = self.points.partition_point(|(share, _)| *share < drawn).min(self.points.len() - 1);
        let (high, most) = self.points[after];
        let Some((low, least)) = after.checked_sub(1).map(|before| self.points[before]) else { return most };
        least + most.saturating_sub(least).mul_f64(((drawn - low) / (high - low)).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_drawn_as_often_as_their_quantiles_say_and_the_same_for_the_same_seed() {
        let durations = [5, 10, 50, 100, 400].map(Duration::from_millis);
        let quantiles = Quantiles::new(durations, 7);
        let drawn: Vec<_> = (0..10_000).map(|slot| quantiles.of(slot)).collect();
        let above = |ms: u64| drawn.iter().filter(|took| **took > Duration::from_millis(ms)).count();
        // Six standard deviations of each count.
        for (ms, expected, within) in
            [(5, 5_000_usize, 300), (10, 1_000, 180), (50, 100, 60), (100, 10, 19), (400, 0, 0)]
        {
            assert!(above(ms).abs_diff(expected) <= within, "{ms} ms: {}", above(ms));
        }
        assert!(drawn.iter().all(|took| *took >= Duration::from_millis(5)));
        let again = Quantiles::new(durations, 7);
        assert!((0..100).all(|slot| again.of(slot) == quantiles.of(slot)));
        let other = Quantiles::new(durations, 8);
        assert!((0..100).any(|slot| other.of(slot) != quantiles.of(slot)));
        let backwards = Quantiles::new([400, 100, 50, 10, 5].map(Duration::from_millis), 7);
        assert!((0..100).all(|slot| backwards.of(slot) == Duration::from_millis(400)), "of a damaged report");
    }

    #[test]
    fn memory_is_bounded_and_neighbours_then_share_a_duration() {
        let mut delays = Delays { max: 8, ..Delays::default() };
        for slot in 0..30 {
            delays.record(slot, Duration::from_millis(slot));
        }
        assert_eq!((delays.micros.len(), delays.stride), (8, 4));
        assert_eq!(delays.of(29), Some(Duration::from_millis(29)));
        assert!(delays.of(13).unwrap().abs_diff(Duration::from_millis(13)) <= Duration::from_millis(3));
        assert_eq!(delays.of(40), None);
        delays.record(u64::MAX, Duration::ZERO);
        assert!(delays.micros.len() <= 8);
    }
}
