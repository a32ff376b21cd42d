//! The table of a calibration, for people.

use std::io::{self, Write};
use std::time::Duration;

use super::Calibration;
use super::judge::{Finding, Judgement, Outcome};
use super::loss::Losses;
use lapse_lab::fault::Fault;
use lapse_measure::latency::Distribution;
use lapse_measure::time::{Human, Offset};
use lapse_record::record::Record;

/// The counts for one kind of fault.
#[derive(Default)]
struct Row {
    injected: usize,
    seen: usize,
    below_floor: usize,
    blind: usize,
    wrong: usize,
    began_off: Vec<Duration>,
    ended_off: Vec<Duration>,
}

/// Writes the results of a calibration in at most 80 columns.
pub(crate) fn write(
    calibration: &Calibration,
    record: &Record,
    judgement: &Judgement,
    out: &mut impl Write,
) -> io::Result<()> {
    let objections = judgement.objections();
    head(calibration, record, out)?;
    writeln!(out, "\n                            below                 off at its         off at its")?;
    writeln!(out, "kind        injected   seen floor  blind  wrong  beginning (worst)  end (worst)")?;
    let mut all = Row::default();
    for fault in Fault::ALL {
        let row: Row = judgement.of(fault).collect();
        line(fault.name(), &row, out)?;
        all.add(row);
    }
    line("all", &all, out)?;
    writeln!(out, "off: how far the farther one of the two bounds lies from the truth, median and worst")?;
    losses(&judgement.losses, out)?;
    instrument(record, judgement, out)?;
    writeln!(out)?;
    for objection in objections.iter().take(20) {
        writeln!(out, "  {objection}")?;
    }
    match (objections.len(), all.seen) {
        (0, 0) => writeln!(out, "Nothing was seen, so nothing is proved: inject longer outages, or probe faster."),
        (0, seen) => writeln!(
            out,
            "Every truth lies within its bounds ({seen} of {seen} seen), none above the floor was missed, none invented."
        ),
        (wrong, _) => writeln!(
            out,
            "{wrong} lie outside: do not trust what this machine measures, and tell us (the run is kept in its folder)."
        ),
    }
}

/// How the bounds of the losses fared, if there were any.
fn losses(losses: &Losses, out: &mut impl Write) -> io::Result<()> {
    if losses.downtime.all + losses.blind == 0 {
        return Ok(());
    }
    writeln!(out, "\nlosses of 10 % to 90 % for 0.1 to 2 s: how many bounds of 95 % hold the truth")?;
    for (figure, tally) in [("share", losses.share), ("length", losses.length), ("loss-derived", losses.downtime)] {
        writeln!(out, "{figure:12} {:>4} of {}", tally.held, tally.all)?;
    }
    if losses.blind > 0 {
        writeln!(out, "not judged   {:>4} in which the prober was held up", losses.blind)?;
    }
    Ok(())
}

fn head(calibration: &Calibration, record: &Record, out: &mut impl Write) -> io::Result<()> {
    let lanes = record.seen.lanes.len();
    let (rate, longest, length) =
        (record.about.rate.get(), Human(calibration.longest), Human(record.seen.end.since(Offset::ZERO)));
    writeln!(
        out,
        "{} outages of 1.00 ms to {longest} in {length}, looked for on {lanes} lanes at {rate}/s (seed {})",
        calibration.outages, calibration.seed
    )
}

fn line(name: &str, row: &Row, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{name:10} {:>9} {:>6} {:>5} {:>6} {:>6}  {:18} {}",
        row.injected,
        row.seen,
        row.below_floor,
        row.blind,
        row.wrong,
        off(&row.began_off),
        off(&row.ended_off)
    )
}

/// The median and the maximum of the distances.
fn off(all: &[Duration]) -> String {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(worst)) => format!("{} ({})", Human(*median), Human(*worst)),
        _ => "-".to_owned(),
    }
}

fn instrument(record: &Record, judgement: &Judgement, out: &mut impl Write) -> io::Result<()> {
    let mut lateness = Distribution::fine();
    for lane in &record.seen.lanes {
        lateness.add(&lane.lateness);
    }
    let quantile = |share| Human(lateness.quantile(share).unwrap_or_default());
    let (median, p99, longest) = (quantile(0.5), quantile(0.99), Human(lateness.longest().unwrap_or_default()));
    writeln!(out, "\nsends late   p50 {median}, p99 {p99}, at most {longest}")?;
    let blind: Duration = record.seen.lanes.iter().map(|lane| lane.blind.length()).max().unwrap_or_default();
    writeln!(out, "blind        {} of the run", Human(blind))?;
    let detection_limit = record
        .seen
        .lanes
        .iter()
        .map(lapse_measure::observations::LaneObservations::detection_limit)
        .max()
        .unwrap_or_default();
    let unseen = judgement.longest_unseen();
    let longest =
        unseen.map_or("none went unseen".to_owned(), |unseen| format!("the longest unseen had {}", Human(unseen)));
    writeln!(
        out,
        "to trust     an outage of {} or more is sure to be seen on every lane ({longest})",
        Human(detection_limit.max(unseen.unwrap_or_default()))
    )
}

// === impl Row ===

impl Row {
    fn add(&mut self, other: Self) {
        self.injected += other.injected;
        self.seen += other.seen;
        self.below_floor += other.below_floor;
        self.blind += other.blind;
        self.wrong += other.wrong;
        self.began_off.extend(other.began_off);
        self.ended_off.extend(other.ended_off);
    }
}

impl<'a> FromIterator<&'a Finding> for Row {
    fn from_iter<I: IntoIterator<Item = &'a Finding>>(findings: I) -> Self {
        let mut row = Self::default();
        for finding in findings {
            row.injected += 1;
            match finding.outcome {
                Outcome::Observed { began_off, ended_off } => {
                    row.seen += 1;
                    row.began_off.extend(began_off);
                    row.ended_off.extend(ended_off);
                }
                Outcome::BelowFloor => row.below_floor += 1,
                Outcome::Blind => row.blind += 1,
                Outcome::Outside(_) | Outcome::Missed => row.wrong += 1,
            }
        }
        row
    }
}
