//! The run as a table, a row a millisecond and target: for spreadsheets, plots and `duckdb`.
//!
//! Written as it is walked: an hour is millions of rows, and none of them is kept. Refuses to add
//! anything up: totals and bounds are the JSON report's.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use super::date::Dates;
use crate::measure::answer::Health;
use crate::measure::span::Span;
use crate::measure::time::{Offset, nanos};
use crate::measure::timeline::{Cell, Run, Timeline};
use crate::run::record::Record;

const HEADER: &str = "time,offset_ms,target,due,ok,slow,failed,blind,state,classes";
const MILLISECOND_NS: u64 = 1_000_000;

/// Writes a row for each `bin` of the run (cut to whole milliseconds, at least one) and each target.
///
/// `due` counts slots; those without a record (the run was cut) are in no other column. `classes` has
/// the classes of what failed or was not sent: `status 503:2 reset:1`.
pub fn write(record: &Record, bin: Duration, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(out, "{HEADER}")?;
    let mut dates = Dates::new(record.about.anchor);
    let mut targets: Vec<_> = (0..record.about.targets.len()).map(|place| Walk::of(record, place)).collect();
    let bin = Duration::from_millis(nanos(bin) / MILLISECOND_NS).max(Duration::from_millis(1));
    let (mut from, end) = (Offset::ZERO, record.seen.end);
    while from < end {
        let row = Span::new(from, (from + bin).min(end));
        for target in &mut targets {
            target.advance(row.to);
            target.write(row, &mut dates, &mut out)?;
        }
        from = row.to;
    }
    out.flush()
}

/// Walks the lanes of a target from bin to bin.
struct Walk<'a> {
    name: Cow<'a, str>,
    lanes: Vec<Cursor<'a>>,
    due: u64,
    cell: Cell,
}

impl<'a> Walk<'a> {
    fn of(record: &'a Record, place: usize) -> Self {
        let lanes = record.lanes.iter().zip(&record.seen.lanes).filter(|(lane, _)| lane.target == place);
        Self {
            name: quoted(&record.about.targets[place].name),
            lanes: lanes.map(|(_, seen)| Cursor::of(&seen.timeline)).collect(),
            due: 0,
            cell: Cell::default(),
        }
    }

    /// Counts what is due from where the last bin ended up to `to`.
    fn advance(&mut self, to: Offset) {
        self.cell.classes.clear();
        self.due = self.lanes.iter_mut().map(|lane| lane.advance(to, &mut self.cell)).sum();
    }

    fn write(&self, row: Span, dates: &mut Dates, out: &mut impl Write) -> io::Result<()> {
        let (second, millis) = dates.at(row.from);
        let offset_ms = row.from.as_nanos() / MILLISECOND_NS;
        let [ok, slow, failed, blind] =
            [Health::Up, Health::Slow, Health::Failed, Health::Blind].map(|health| self.cell.count(health));
        let (name, due, state) = (&self.name, self.due, self.cell.state().name());
        write!(out, "{second}.{millis:03}Z,{offset_ms},{name},{due},{ok},{slow},{failed},{blind},{state},")?;
        let told = self.cell.classes.iter().filter(|(class, _)| !matches!(class.health(), Health::Up | Health::Slow));
        for (nth, (class, count)) in told.enumerate() {
            let space = if nth == 0 { "" } else { " " };
            write!(out, "{space}{class}:{count}")?;
        }
        writeln!(out)
    }
}

/// Walks the run lengths of one lane.
struct Cursor<'a> {
    timeline: &'a Timeline,
    /// The runs that are not over yet.
    runs: &'a [Run],
    /// The first slot that was not counted yet.
    slot: u64,
}

impl<'a> Cursor<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Self { timeline, runs: timeline.runs(), slot: 0 }
    }

    /// Adds the slots due before `to` to `cell`, and says how many they are.
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

/// A field as CSV needs it: in quotes if it holds what would end it.
pub(super) fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::answer::{Class, Unsent};
    use crate::measure::lane::Policy;
    use crate::run::record::sample::{Answer, Sample, upgrade, worked_example};

    fn table(record: &Record, bin: Duration) -> Vec<String> {
        let mut out = Vec::new();
        write(record, bin, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_row_says_what_one_millisecond_of_a_target_looked_like() {
        let rows = table(&worked_example(), Duration::from_millis(1));
        assert_eq!(rows.len(), 4001);
        assert_eq!(rows[0], "time,offset_ms,target,due,ok,slow,failed,blind,state,classes");
        assert_eq!(rows[2000], "2023-11-14T22:13:21.999Z,1999,shop,1,1,0,0,0,up,");
        assert_eq!(rows[2001], "2023-11-14T22:13:22.000Z,2000,shop,1,0,0,1,0,down,status 503:1");
        assert_eq!(rows[2300], "2023-11-14T22:13:22.299Z,2299,shop,1,0,0,1,0,down,status 503:1");
    }

    #[test]
    fn bins_add_up_to_what_was_counted() {
        let record = upgrade();
        for ms in [1, 7, 1000, 100_000] {
            let rows = table(&record, Duration::from_millis(ms));
            let column = |nth: usize| -> u64 {
                rows[1..].iter().map(|row| row.split(',').nth(nth).unwrap().parse::<u64>().unwrap()).sum()
            };
            assert_eq!((column(3), column(4), column(6)), (14_600, 13_510, 1_090), "bins of {ms} ms");
        }
    }

    #[test]
    fn classes_of_a_bin_stand_side_by_side_and_names_are_quoted() {
        let record = Sample::of(&["a \"b\", c", "d"]).record(4, |lane, ms| {
            let class = match (lane.target, lane.policy, ms) {
                (0, Policy::New, 1) => Class::Reset,
                (0, Policy::New, _) => Class::Status(503),
                (1, _, 0..2) => Class::NotSent(Unsent::Stall),
                _ => Class::Ok,
            };
            Answer::after(class, 0)
        });
        let rows = table(&record, Duration::from_millis(4));
        assert_eq!(rows[1], "2023-11-14T22:13:20.000Z,0,\"a \"\"b\"\", c\",4,2,0,2,0,degraded,status 503:1 reset:1");
        assert_eq!(rows[2], "2023-11-14T22:13:20.000Z,0,d,4,2,0,0,2,up,not-sent stall:2");
    }
}
