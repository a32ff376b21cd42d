//! `OpenMetrics` text, for a push gateway: what a run came to, as gauges.
//!
//! A push gateway keeps the last run of a job, so counters would be wrong: they would go down. What is not bounded
//! (an outage that the run's end cut) has no sample for that bound.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use super::sanitize::sanitize;
use lapse_explain::explanation::{Explanation, Finding};
use lapse_measure::time::{Bounded, Offset};
use lapse_measure::totals::Totals;
use lapse_record::record::Record;

/// A family of durations with bounds: its name, its help text, and its field of the totals.
type Bounds = (&'static str, &'static str, fn(&Totals) -> Bounded);

const BOUNDED: [Bounds; 6] = [
    ("equivalent_downtime", "Failed probes times the time each stands for, averaged over lanes.", |totals| {
        totals.loss_derived
    }),
    ("longest_disruption", "The longest disruption of any lane, whatever share of its probes was lost.", |totals| {
        totals.disruptions.longest_length
    }),
    ("longest_outage", "The longest single outage of any lane.", |totals| totals.longest),
    ("down", "Time in which every lane failed at once.", |totals| totals.down),
    ("impaired", "Time in which any lane failed or was slow.", |totals| totals.impaired),
    ("slow", "Time in which any lane was slow.", |totals| totals.slow),
];

/// Writes an exposition of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let run = label(&record.about.name);
    let totals: Vec<_> = record.summary.targets.iter().map(|one| (label(&one.name), &one.totals)).collect();
    for (name, help, of) in BOUNDED {
        family(&mut out, &format!("lapse_{name}_seconds"), "seconds", help)?;
        for (target, totals) in &totals {
            let bounds = of(totals);
            let figures =
                [("estimate", Some(bounds.estimate)), ("at_least", Some(bounds.at_least)), ("at_most", bounds.at_most)];
            for (bound, figure) in figures.iter().filter_map(|(bound, figure)| figure.map(|figure| (bound, figure))) {
                let labels = format!("run=\"{run}\",target=\"{target}\",bound=\"{bound}\"");
                writeln!(out, "lapse_{name}_seconds{{{labels}}} {}", seconds(figure))?;
            }
        }
    }
    family(&mut out, "lapse_blind_seconds", "seconds", "Time in which the prober could not see.")?;
    for (target, totals) in &totals {
        writeln!(out, "lapse_blind_seconds{{run=\"{run}\",target=\"{target}\"}} {}", seconds(totals.blind))?;
    }
    family(&mut out, "lapse_floor_seconds", "seconds", "The smallest outage that the best lane was sure to see.")?;
    for (target, totals) in &totals {
        writeln!(out, "lapse_floor_seconds{{run=\"{run}\",target=\"{target}\"}} {}", seconds(totals.detection_limit))?;
    }
    let help = "The longest outage of any lane that could have gone unseen.";
    family(&mut out, "lapse_longest_unseen_seconds", "seconds", help)?;
    for (target, totals) in &totals {
        let labels = format!("run=\"{run}\",target=\"{target}\"");
        writeln!(out, "lapse_longest_unseen_seconds{{{labels}}} {}", seconds(totals.unseen.length))?;
    }
    family(&mut out, "lapse_probes", "", "Slots by what came of them.")?;
    for seen in &record.seen.lanes {
        let (lane, target) = (seen.lane, label(&record.seen.target(seen.lane.target).name));
        let classes: BTreeMap<String, u64> =
            seen.classes.iter().map(|(class, count)| (class.to_string(), *count)).collect();
        for (class, count) in classes {
            let labels = format!("run=\"{run}\",target=\"{target}\",lane=\"{}\",class=\"{class}\"", lane.policy);
            writeln!(out, "lapse_probes{{{labels}}} {count}")?;
        }
    }
    let help = "Points of 100 for a cause of lost or slow requests, in the stretch from these seconds of the run on.";
    family(&mut out, "lapse_cause_score", "", help)?;
    for case in &Explanation::of(record).cases {
        let target = label(&record.seen.target(case.target).name);
        for Finding { cause, score, .. } in &case.findings {
            let from = seconds(case.span.from.since(Offset::ZERO));
            let labels = format!("run=\"{run}\",target=\"{target}\",from=\"{from}\",cause=\"{}\"", cause.name);
            writeln!(out, "lapse_cause_score{{{labels}}} {score}")?;
        }
    }
    family(&mut out, "lapse_exit_code", "", "What the run came to: 0 is a pass.")?;
    let conclusion = record.summary.verdict.conclusion;
    writeln!(out, "lapse_exit_code{{run=\"{run}\",result=\"{conclusion}\"}} {}", conclusion.exit_code())?;
    writeln!(out, "# EOF")?;
    out.flush()
}

fn family(out: &mut impl Write, name: &str, unit: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# TYPE {name} gauge")?;
    if !unit.is_empty() {
        writeln!(out, "# UNIT {name} {unit}")?;
    }
    writeln!(out, "# HELP {name} {help}")
}

/// A label's value, escaped as the exposition has it.
fn label(text: &str) -> String {
    sanitize(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Seconds to the nanosecond, without rounding.
fn seconds(time: Duration) -> String {
    format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
}
