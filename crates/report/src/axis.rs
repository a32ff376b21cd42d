//! The time axis shared by the text and SVG timelines: a lane's state in each column, and the spacing of tick marks.

use std::time::Duration;

use lapse_measure::answer::Health;
use lapse_measure::span::Span;
use lapse_measure::timeline::{Cell, Timeline};

/// A lane's state in one column of a timeline, ordered from good to bad. The worst result in the column decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ColumnState {
    Unobserved,
    Up,
    Slow,
    Blind,
    Degraded,
    Down,
}

impl ColumnState {
    /// The state of a lane in `span`. If no slot was due in it, the state of the slot before.
    pub(crate) fn of(timeline: &Timeline, span: Span) -> Self {
        let cell = Cell::of([timeline], span.from, span.to);
        let period = timeline.schedule().period() + Duration::from_nanos(1);
        let cell = if cell.due() > 0 { cell } else { Cell::of([timeline], span.to.back(period), span.to) };
        let [up, slow, failed, blind] =
            [Health::Up, Health::Slow, Health::Failed, Health::Blind].map(|health| cell.count(health) > 0);
        match (failed, up || slow) {
            (true, true) => Self::Degraded,
            (true, false) => Self::Down,
            _ if blind => Self::Blind,
            _ if slow => Self::Slow,
            _ if up => Self::Up,
            _ => Self::Unobserved,
        }
    }

    /// The state's meaning, as legends print it.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Unobserved => "nothing known",
            Self::Up => "up",
            Self::Slow => "some slow",
            Self::Blind => "some not sent",
            Self::Degraded => "some failed",
            Self::Down => "all failed",
        }
    }
}

/// The distance between tick marks on an axis of `length` with room for `room` of them: 1, 2 or 5 times a power of ten,
/// and at least a millisecond.
pub(crate) fn step(length: Duration, room: usize) -> Duration {
    let room = u128::from(u64::try_from(room.max(1)).unwrap_or(1));
    let least = length.as_millis().div_ceil(room).max(1);
    let steps = (0..18).flat_map(|power| [1, 2, 5].map(|digit: u128| digit * 10_u128.pow(power)));
    let step = steps.into_iter().find(|step| *step >= least).unwrap_or(least);
    Duration::from_millis(u64::try_from(step).unwrap_or(u64::MAX))
}

/// `time` in seconds, to the millisecond and without trailing zeros: `5 s`, `0.25 s`.
pub(crate) fn in_seconds(time: Duration) -> String {
    let exact = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    format!("{} s", exact.trim_end_matches('0').trim_end_matches('.'))
}
