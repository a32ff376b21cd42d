//! The table of the timeline, with a row for each bin and target.
//!
//! The cells are counts; totals and bounds are in the JSON report.

use std::io;
use std::time::Duration;

use super::{Column, Field, Kind, RowSink};
use lapse_measure::answer::Health;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_measure::timeline::{Cell, Run, Timeline};
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The columns. `due` counts all slots, also those without a record because the run was cut. `classes` lists the
/// classes that failed or were not sent, with counts: `status 503:2 reset:1`.
pub(super) const COLUMNS: [Column; 10] = [
    ("time", Kind::Instant),
    ("offset_ms", Kind::Number),
    ("target", Kind::Text),
    ("due", Kind::Number),
    ("ok", Kind::Number),
    ("slow", Kind::Number),
    ("failed", Kind::Number),
    ("blind", Kind::Number),
    ("state", Kind::Text),
    ("classes", Kind::Text),
];

const MILLISECOND_NS: u64 = 1_000_000;

pub(super) fn rows(record: &Record, bin: Duration, sink: RowSink<'_>) -> io::Result<()> {
    let mut targets: Vec<_> = record.summary.targets.iter().map(|target| TargetCursor::of(record, target)).collect();
    let bin = Duration::from_millis(nanos(bin) / MILLISECOND_NS).max(Duration::from_millis(1));
    let (mut from, end) = (Offset::ZERO, record.seen.end);
    while from < end {
        let row = Span::new(from, (from + bin).min(end));
        for target in &mut targets {
            target.advance(row.to);
            sink(&target.row(row))?;
        }
        from = row.to;
    }
    Ok(())
}

/// Counts the slots of a target's lanes, bin by bin.
struct TargetCursor<'a> {
    name: &'a str,
    lanes: Vec<Cursor<'a>>,
    /// Slots due in the current bin.
    due: u64,
    /// Classes of the current bin.
    cell: Cell,
}

impl<'a> TargetCursor<'a> {
    fn of(record: &'a Record, target: &'a TargetSummary) -> Self {
        let lanes = target.lanes.iter().map(|id| Cursor::of(&record.seen.lane(*id).timeline));
        Self { name: &target.name, lanes: lanes.collect(), due: 0, cell: Cell::default() }
    }

    /// Moves to the next bin, which ends at `to`, and counts its slots.
    fn advance(&mut self, to: Offset) {
        self.cell.classes.clear();
        self.due = self.lanes.iter_mut().map(|lane| lane.advance(to, &mut self.cell)).sum();
    }

    fn row(&self, span: Span) -> [Field<'_>; COLUMNS.len()] {
        let [ok, slow, failed, blind] = [Health::Up, Health::Slow, Health::Failed, Health::Blind]
            .map(|health| Field::Number(self.cell.count(health)));
        [
            Field::Instant(span.from),
            Field::Number(span.from.as_nanos() / MILLISECOND_NS),
            Field::text(self.name),
            Field::Number(self.due),
            ok,
            slow,
            failed,
            blind,
            Field::text(self.cell.state().name()),
            Field::Text(self.classes().into()),
        ]
    }

    fn classes(&self) -> String {
        let bad = self.cell.classes.iter().filter(|(class, _)| !matches!(class.health(), Health::Up | Health::Slow));
        bad.map(|(class, count)| format!("{class}:{count}")).collect::<Vec<_>>().join(" ")
    }
}

/// A position in the run lengths of one lane.
struct Cursor<'a> {
    timeline: &'a Timeline,
    /// The runs with slots that are not counted yet.
    runs: &'a [Run],
    /// The first slot that is not counted yet.
    slot: u64,
}

impl<'a> Cursor<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Self { timeline, runs: timeline.runs(), slot: 0 }
    }

    /// Adds the classes of the uncounted slots due before `to` to `cell`, and returns the number of those slots.
    fn advance(&mut self, to: Offset, cell: &mut Cell) -> u64 {
        let (first, end) = (self.slot, self.timeline.schedule().slots_before(to));
        while let Some((run, later)) = self.runs.split_first().filter(|(run, _)| run.slot < end) {
            let until = (run.last_slot() + 1).min(end);
            if let Some(count) = until.checked_sub(run.slot.max(first)).filter(|count| *count > 0) {
                cell.add(run.class, count);
            }
            if run.last_slot() >= end {
                break;
            }
            self.runs = later;
        }
        self.slot = end;
        end.saturating_sub(first)
    }
}
