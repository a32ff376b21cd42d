//! What is said of a run as a whole.

use std::time::Duration;

use crate::entry::End;
use crate::event::{Event, EventKind};
use lapse_measure::observations::Observations;
use lapse_measure::time::{Anchor, Human};

/// The fastest slew of the wall clock by the kernel, in parts per million; a greater difference is a step.
const SLEW_PPM: u32 = 500;
/// The smallest step of the wall clock that is reported.
const MIN_STEP: Duration = Duration::from_millis(1);

/// What is to be said of the run as a whole, some of it by events.
pub(super) fn of(anchor: &Anchor, end: Option<&End>, seen: &Observations, events: &[Event]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(end) = end {
        let apart = anchor.date_at(end.anchor.offset).abs_diff(end.anchor.date);
        let slewed = end.anchor.offset.since(anchor.offset) * SLEW_PPM / 1_000_000;
        if apart > MIN_STEP + slewed {
            let by = Human(apart);
            notes.push(format!("the wall clock was stepped by {by} during the run: dates count from its start"));
        }
    }
    let held_up = seen.held_up.length();
    if !held_up.is_zero() {
        notes.push(format!("the prober itself was held up for {}: that time is blind", Human(held_up)));
    }
    let is_told = |event: &&Event| {
        use EventKind::{Addresses, BudgetExceeded, EndedEarly, ProberClock, Redirected, SlowAnswers};
        matches!(event.kind, Redirected | Addresses | SlowAnswers | BudgetExceeded | EndedEarly | ProberClock)
    };
    notes.extend(events.iter().filter(is_told).map(|event| event.text.clone()));
    notes
}
