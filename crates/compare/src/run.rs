//! A run to be compared: its name, its record, and how far it can be trusted.

use lapse_measure::lane::LaneId;
use lapse_measure::observations::LaneObservations;
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::totals::{self, Totals};
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// A run to be compared.
#[derive(Debug)]
pub struct Run {
    /// The name of the run in the comparison.
    pub name: String,
    /// The record of the run.
    pub record: Record,
}

impl Run {
    /// When the event began, at which timelines are aligned; the start of a run without one.
    pub fn event(&self) -> Offset {
        self.record.seen.phases.judged(self.record.seen.end).from
    }

    /// The stretch that is compared: from the beginning of the event to the end of the run.
    pub fn window(&self) -> Span {
        self.record.judged()
    }

    /// Whether something began that can have cost requests: a command, or a scenario's acts.
    pub(crate) fn has_an_event(&self) -> bool {
        self.record.command.is_some() || self.spans_of(Phase::Baseline).next().is_some()
    }

    /// The stretches of this phase, each with its index among all phases.
    pub(crate) fn spans_of(&self, phase: Phase) -> impl Iterator<Item = (usize, Span)> + '_ {
        let spans = self.record.seen.phases.spans(self.record.seen.end).enumerate();
        spans.filter(move |(_, (one, _))| *one == phase).map(|(nth, (_, span))| (nth, span))
    }

    /// The totals of these lanes over the stretch that is compared.
    pub(crate) fn totals(&self, lanes: &[LaneId]) -> Totals {
        self.totals_in(lanes, self.window())
    }

    pub(crate) fn totals_in(&self, lanes: &[LaneId], window: Span) -> Totals {
        totals::of(&self.lanes(lanes), &self.record.seen.held_up, window)
    }

    pub(crate) fn lanes(&self, lanes: &[LaneId]) -> Vec<&LaneObservations> {
        lanes.iter().map(|lane| self.record.seen.lane(*lane)).collect()
    }

    /// Why the run may have lost more than what it shows, whatever its budgets are; `None` if it was complete.
    pub(crate) fn unknown(&self) -> Option<String> {
        let verdict = &self.record.summary.verdict;
        let name = &self.name;
        match verdict.conclusion {
            Conclusion::Interrupted if self.record.cut => {
                Some(format!("the record of {name} breaks off: its rest is not known"))
            }
            Conclusion::Interrupted => Some(format!("{name} was interrupted: its rest is not known")),
            Conclusion::CommandFailed => Some(format!("the command of {name} failed: a whole one may have cost more")),
            _ if self.record.ended_early.is_some() => {
                Some(format!("{name} was ended at its first breach: its rest is not known"))
            }
            _ => verdict.beyond_budgets().next().map(|reason| format!("{name} is inconclusive: {reason}")),
        }
    }

    /// Why the run must not look better than another; `None` if it may.
    pub(crate) fn cannot_be_better(&self) -> Option<String> {
        let verdict = &self.record.summary.verdict;
        let first = || verdict.inconclusive.first().map(String::as_str).unwrap_or_default();
        let inconclusive = verdict.conclusion == Conclusion::Inconclusive;
        self.unknown().or_else(|| inconclusive.then(|| format!("{} is inconclusive: {}", self.name, first())))
    }
}
