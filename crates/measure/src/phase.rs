//! The phases of a run.

use std::fmt;

use super::span::Span;
use super::time::Offset;

/// What a stretch of the run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the event: what healthy looks like.
    Baseline,
    /// While the event under test goes on.
    Event,
    /// After it, until every lane has been up for a while.
    Settle,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Baseline => "baseline",
            Self::Event => "event",
            Self::Settle => "settle",
        })
    }
}

/// The phases that a run has gone through so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phases(Vec<(Phase, Offset)>);

impl Phases {
    /// `phase` begins at `at`, which is not before the beginning of the one that it follows.
    pub fn begin(&mut self, phase: Phase, at: Offset) {
        self.0.push((phase, at));
    }

    /// Which of the phases so far an instant lies in: the place in their order.
    pub fn place(&self, at: Offset) -> usize {
        self.0.iter().rposition(|(_, from)| *from <= at).unwrap_or(0)
    }

    /// The phase that goes on now.
    pub fn now(&self) -> Option<Phase> {
        self.0.last().map(|(phase, _)| *phase)
    }

    /// When the newest phase began.
    pub fn last(&self) -> Option<Offset> {
        self.0.last().map(|(_, from)| *from)
    }

    /// Each phase with its stretch, in a run that ends at `end`.
    pub fn spans(&self, end: Offset) -> impl Iterator<Item = (Phase, Span)> + '_ {
        let ends = self.0.iter().skip(1).map(|(_, from)| *from).chain([end]);
        self.0.iter().zip(ends).map(|((phase, from), to)| (*phase, Span::new(*from, to)))
    }

    /// From the beginning of the event to `end`: what budgets are held against. All of the run if there was no event.
    pub fn judged(&self, end: Offset) -> Span {
        let event = self.0.iter().find(|(phase, _)| *phase == Phase::Event);
        Span::new(event.map_or(Offset::ZERO, |(_, from)| *from), end)
    }
}
