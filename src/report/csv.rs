//! The timeline as CSV: one row a millisecond, or as much time as asked for, and target.
//!
//! Rows are made as they are written: an hour is 3.6 million of them.

use std::io::{self, Write};
use std::time::Duration;

use super::date;
use crate::measure::answer::Health;
use crate::measure::time::Offset;
use crate::measure::timeline::{Cell, Timeline};
use crate::run::record::Record;

const HEADER: &str = "time,offset_ms,target,due,ok,slow,failed,blind,state,classes";

/// Writes a row for each `bin` of the run, which is taken as a millisecond if it is shorter.
pub fn write(record: &Record, bin: Duration, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADER}")?;
    let bin = bin.max(Duration::from_millis(1));
    let names = record.about.names();
    let case = record.case(&names);
    let lanes =
        |target| case.lanes_of(target).into_iter().map(|(_, lane)| Cursor::new(&lane.timeline)).collect::<Vec<_>>();
    let mut targets: Vec<_> = (0..names.len()).map(lanes).collect();
    let mut from = Offset::ZERO;
    while from < record.seen.end {
        // The last row ends with the run.
        let to = (from + bin).min(record.seen.end);
        let time = date::rfc3339(record.about.anchor, from);
        for (name, lanes) in names.iter().zip(&mut targets) {
            let mut cell = Cell::default();
            for lane in lanes.iter_mut() {
                lane.count_until(to, &mut cell);
            }
            row(out, (&time, from), name, &cell)?;
        }
        from = to;
    }
    Ok(())
}

fn row(out: &mut impl Write, (time, from): (&str, Offset), target: &str, cell: &Cell) -> io::Result<()> {
    let [ok, slow, failed, blind] =
        [Health::Up, Health::Slow, Health::Failed, Health::Blind].map(|health| cell.count(health));
    let classes: Vec<_> = cell.classes.iter().map(|(class, count)| format!("{class}:{count}")).collect();
    let millis = from.as_nanos() / 1_000_000;
    let (target, classes, state) = (quoted(target), classes.join(" "), cell.state().name());
    writeln!(out, "{time},{millis},{target},{},{ok},{slow},{failed},{blind},{state},{classes}", cell.due())
}

/// A field as RFC 4180 has it.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Walks along a lane's runs: to search for each cell would take far longer.
struct Cursor<'a> {
    timeline: &'a Timeline,
    run: usize,
    slot: u64,
}

impl<'a> Cursor<'a> {
    const fn new(timeline: &'a Timeline) -> Self {
        Self { timeline, run: 0, slot: 0 }
    }

    /// Adds what is due before `to` and was not counted yet.
    fn count_until(&mut self, to: Offset, cell: &mut Cell) {
        let end = self.timeline.schedule().slots_before(to);
        while let Some(run) = self.timeline.runs().get(self.run).filter(|run| run.slot < end) {
            let (from, until) = (self.slot.max(run.slot), (run.last_slot() + 1).min(end));
            if until > from {
                cell.add(run.class, until - from);
            }
            if run.last_slot() >= end {
                break;
            }
            self.run += 1;
        }
        self.slot = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::sample;

    #[test]
    fn a_row_a_millisecond_says_what_became_of_its_probes() {
        let mut csv = Vec::new();
        write(&sample::worked_example(), Duration::from_millis(1), &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let rows: Vec<_> = csv.lines().collect();
        assert_eq!(rows.len(), 1 + 4000);
        assert_eq!(rows[0], HEADER);
        assert_eq!(rows[1], "2026-11-22T20:15:03.000Z,0,shop,1,1,0,0,0,up,ok:1");
        assert_eq!(rows[1 + 2299], "2026-11-22T20:15:05.299Z,2299,shop,1,0,0,1,0,down,status 503:1");
        assert_eq!(rows[1 + 2300], "2026-11-22T20:15:05.300Z,2300,shop,1,1,0,0,0,up,ok:1");
    }

    #[test]
    fn coarser_rows_count_the_same_probes() {
        let mut csv = Vec::new();
        write(&sample::worked_example(), Duration::from_millis(700), &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let failed: u64 = csv.lines().skip(1).map(|row| row.split(',').nth(6).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!((csv.lines().count(), failed), (1 + 6, 300));
        assert!(csv.contains(",degraded,ok:600 status 503:100"), "{csv}");
    }
}
