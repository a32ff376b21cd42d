//! The state of the last seconds of a run, for the progress display.

use std::collections::VecDeque;
use std::time::Duration;

use lapse_measure::answer::Class;
use lapse_measure::time::{Offset, nanos};
use lapse_measure::timeline::{Cell, State};
use lapse_record::batch::Batch;

/// The time that one state covers.
pub(crate) const STEP: Duration = Duration::from_millis(100);
/// The number of states kept.
const STEPS: usize = 60;

/// The states of the last seconds, as far as their slots have resolved.
#[derive(Debug, Default)]
pub(crate) struct Live {
    cells: VecDeque<Cell>,
    /// The index of the step after the newest one.
    end: u64,
    sent: VecDeque<(Offset, u64)>,
    total: u64,
}

impl Live {
    /// Adds a batch of resolved slots.
    pub(crate) fn push(&mut self, batch: &Batch) {
        for record in &batch.records {
            self.add(record.probe.due, record.probe.class);
        }
        self.total += batch.records.len() as u64;
        self.sent.push_back((batch.watermark, self.total));
        while self.sent.front().is_some_and(|(at, _)| batch.watermark.since(*at) > Duration::from_secs(2)) {
            self.sent.pop_front();
        }
    }

    fn add(&mut self, due: Offset, class: Class) {
        let step = due.as_nanos() / nanos(STEP);
        while self.end <= step {
            self.cells.push_back(Cell::default());
            self.end += 1;
            if self.cells.len() > STEPS {
                self.cells.pop_front();
            }
        }
        let back = usize::try_from(self.end - step).unwrap_or(usize::MAX);
        if let Some(cell) = self.cells.len().checked_sub(back).and_then(|place| self.cells.get_mut(place)) {
            cell.add(class, 1);
        }
    }

    /// The states of the last seconds, newest last.
    pub(crate) fn states(&self) -> impl Iterator<Item = State> + '_ {
        self.cells.iter().map(Cell::state)
    }

    /// The newest known state.
    pub(crate) fn state(&self) -> State {
        self.cells.iter().rev().map(Cell::state).find(|state| *state != State::Unobserved).unwrap_or(State::Unobserved)
    }

    /// The number of slots resolved per second, on average over the steps kept.
    #[expect(clippy::cast_precision_loss, reason = "for people to look at")]
    pub(crate) fn rate(&self) -> f64 {
        let (Some(first), Some(last)) = (self.sent.front(), self.sent.back()) else { return 0.0 };
        let seconds = last.0.since(first.0).as_secs_f64();
        if seconds > 0.0 { (last.1 - first.1) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::{Connection, Probe};
    use lapse_measure::lane::LaneId;
    use lapse_record::batch::ProbeRecord as Record;

    fn batch(watermark: u64, class: Class, dues: impl Iterator<Item = u64>) -> Batch {
        let record = |due| {
            let due = Offset::from_millis(due);
            let (timed_out, connection) = (false, Connection::New);
            let probe = Probe { slot: 0, due, sent: due, done: due, class, timed_out, connection, reconnects: 0 };
            Record { lane: LaneId(0), probe, evidence: None, version: None }
        };
        Batch { watermark: Offset::from_millis(watermark), records: dues.map(record).collect(), ..Batch::default() }
    }

    #[test]
    fn the_last_seconds_are_kept_and_no_more() {
        let mut live = Live::default();
        live.push(&batch(10_000, Class::Ok, 0..10_000));
        live.push(&batch(10_100, Class::Refused, 10_000..10_100));
        assert_eq!(live.states().count(), STEPS);
        assert_eq!(live.state(), State::Down);
        assert_eq!(live.states().filter(|state| *state == State::Up).count(), STEPS - 1);
        live.push(&batch(10_200, Class::Refused, 3..4));
        assert!((live.rate() - 505.0).abs() < 1.0, "{}", live.rate());
    }
}
