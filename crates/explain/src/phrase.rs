//! The phrases that pieces of evidence share.

use std::time::Duration;

pub(crate) use lapse_measure::phrase::{classes, seconds, share, some};
use lapse_measure::time::{Human, Offset};

/// An offset from the start of the run: `12.412 s`.
pub(crate) fn at(offset: Offset) -> String {
    seconds(offset.since(Offset::ZERO))
}

/// How far `at` lies from an event: `3 ms after`, `1.2 s before`, `just as`.
pub(crate) fn from(at: Offset, event: Offset) -> String {
    let apart = at.since(event).max(event.since(at));
    match (apart < Duration::from_millis(1), at >= event) {
        (true, _) => "just as".to_owned(),
        (_, true) => format!("{} after", Human(apart)),
        (_, false) => format!("{} before", Human(apart)),
    }
}

/// A share from 0 to 1 in whole percent: `40 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
