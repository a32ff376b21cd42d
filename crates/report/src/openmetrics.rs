//! `OpenMetrics` text, for a push gateway: what a run came to, as gauges.
//!
//! A push gateway keeps the last run of a job, so counters would be wrong: they would go down. What is not bounded
//! (an outage that the run's end cut) has no sample for that bound. Names and meanings are those of the
//! [metrics](super::metrics) of a run that goes on.

use std::io::{self, BufWriter, Write};

use super::metrics::{Metrics, escaped, seconds};
use super::sanitize::sanitize;
use lapse_explain::explanation::{Explanation, Finding};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Writes an exposition of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for family in Metrics::figures(record) {
        out.write_all(family.as_gauges().as_bytes())?;
    }
    writeln!(out, "# TYPE lapse_cause_score gauge")?;
    let help = "Points of 100 for a cause of lost or slow requests, in the stretch from these seconds of the run on.";
    writeln!(out, "# HELP lapse_cause_score {help}")?;
    let run = label(&record.about.name);
    for case in &Explanation::of(record).cases {
        let target = label(&record.seen.target(case.target).name);
        for Finding { cause, score, .. } in &case.findings {
            let from = seconds(case.span.from.since(Offset::ZERO));
            let labels = format!("run=\"{run}\",target=\"{target}\",from=\"{from}\",cause=\"{}\"", cause.name);
            writeln!(out, "lapse_cause_score{{{labels}}} {score}")?;
        }
    }
    writeln!(out, "# EOF")?;
    out.flush()
}

/// A label's value, escaped as the exposition has it.
fn label(text: &str) -> String {
    escaped(&sanitize(text))
}
