//! What the newest run came to, for github-action-benchmark (`tool: customSmallerIsBetter`), which keeps the history of
//! a branch itself, draws it, and comments on what gets worse.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::json::document;
use crate::sanitize::sanitize;
use lapse_compare::history::{History, Line};
use lapse_measure::time::Bounded;

/// One figure, with the keys that the action reads.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    unit: &'static str,
    value: f64,
    /// The bounds of the value, as text.
    range: String,
    /// What the figure is of, as text.
    extra: String,
}

/// Writes the figures of the newest run as a JSON array; an empty one if there is no run.
pub(super) fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    document::write(&history.lines.last().map(entries).unwrap_or_default(), out)
}

fn entries(line: &Line) -> Vec<Entry> {
    let extra =
        format!("{}: {}, {} of {} probes failed", sanitize(&line.name), line.verdict, line.failed, line.resolved);
    let entry = |name, unit, value, range| Entry { name, unit, value, range, extra: extra.clone() };
    let time = |name, time: Bounded| {
        let high = time.at_most.map_or_else(|| "or more".to_owned(), |high| format!("to {}", ms(high)));
        entry(name, "ms", ms(time.estimate), format!("{} {high}", ms(time.at_least)))
    };
    let share = line.share;
    let [failed, low, high] = [share.estimate, share.low, share.high].map(|share| hundredths(share * 100.0));
    let range = format!("{low} to {high}");
    vec![
        entry("failed probes", "%", failed, range),
        time("loss-derived downtime", line.downtime),
        time("longest disruption", line.disruption),
        time("longest strict outage", line.outage),
        entry("longest unseen outage", "ms", ms(line.unseen), String::new()),
    ]
}

/// A number to two digits after the point.
fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn ms(time: Duration) -> f64 {
    hundredths(time.as_secs_f64() * 1e3)
}
