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

#[cfg(test)]
mod tests {
    use super::*;

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
