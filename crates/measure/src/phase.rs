//! The phases of a run: baseline, event and settle, and when each began.

use std::fmt;

use super::span::Span;
use super::time::Offset;

/// The purpose of a part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before the event: shows how the service behaves when healthy.
    Baseline,
    /// While the command or the scenario runs, and until its rollout is complete.
    Event,
    /// After the event, until every lane has been up for `--settle`.
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

/// The phases that a run has entered so far, each with its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phases(Vec<(Phase, Offset)>);

impl Phases {
    /// Starts `phase` at `at`, which must not lie before the start of the phase before it.
    pub fn begin(&mut self, phase: Phase, at: Offset) {
        self.0.push((phase, at));
    }

    /// The index of the phase that `at` lies in; 0 for an instant before the first phase.
    pub fn index_at(&self, at: Offset) -> usize {
        self.0.iter().rposition(|(_, from)| *from <= at).unwrap_or(0)
    }

    /// The phase that `at` lies in; `None` for an instant before the first phase.
    pub fn at(&self, at: Offset) -> Option<Phase> {
        self.0.iter().rfind(|(_, from)| *from <= at).map(|(phase, _)| *phase)
    }

    /// The current phase; `None` before the first one.
    pub fn now(&self) -> Option<Phase> {
        self.0.last().map(|(phase, _)| *phase)
    }

    /// When the current phase began; `None` before the first one.
    pub fn last(&self) -> Option<Offset> {
        self.0.last().map(|(_, from)| *from)
    }

    /// Each phase with its span; the last one ends at `end`, the end of the run.
    pub fn spans(&self, end: Offset) -> impl Iterator<Item = (Phase, Span)> + '_ {
        let ends = self.0.iter().skip(1).map(|(_, from)| *from).chain([end]);
        self.0.iter().zip(ends).map(|((phase, from), to)| (*phase, Span::new(*from, to)))
    }

    /// The span over which budgets are checked: from the start of the event to `end`, or all of the run without an
    /// event.
    pub fn judged(&self, end: Offset) -> Span {
        let event = self.0.iter().find(|(phase, _)| *phase == Phase::Event);
        Span::new(event.map_or(Offset::ZERO, |(_, from)| *from), end)
    }
}
