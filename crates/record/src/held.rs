//! The held streams of a run, gathered by target as they end.

use std::num::NonZeroU16;
use std::time::Duration;

use lapse_measure::held::Stream;
use lapse_measure::held::totals::Held;
use lapse_measure::lane::TargetId;

/// The most streams that are kept over all targets; later ones are only counted.
const MAX_STREAMS: usize = 100_000;

/// The streams that a run holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPlan {
    /// How many are held of each target at a time.
    pub places: NonZeroU16,
    /// How often the service sends a message, as the user says.
    pub beat: Duration,
    /// The path that is asked for, with its query; `None` for that of the target's URL.
    pub path: Option<String>,
}

/// Gathers streams.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    targets: Vec<Held>,
    kept: usize,
}

impl Gathered {
    /// None yet, for a run of this many targets.
    pub(crate) fn new(plan: &HeldPlan, targets: usize) -> Self {
        let none = Held { places: u32::from(plan.places.get()), ..Held::default() };
        Self { targets: vec![none; targets], kept: 0 }
    }

    /// Adds a stream; false if there is no such target or place.
    pub(crate) fn push(&mut self, target: TargetId, stream: Stream) -> bool {
        let Some(held) = self.targets.get_mut(target.0).filter(|held| stream.place < held.places) else { return false };
        if self.kept < MAX_STREAMS {
            self.kept += 1;
            held.streams.push(stream);
        } else {
            held.left_out += 1;
        }
        true
    }

    /// The streams of each target.
    pub(crate) fn finish(self) -> Vec<Held> {
        self.targets
    }
}
