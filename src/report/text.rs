//! The report for people: what they need, in the order in which they need it.

mod episode;
mod look;
mod picture;
mod target;
mod words;

use std::io::{self, Write};
use std::path::Path;

pub use self::look::{Colour, Glyphs, Look};
use self::look::{Ink, Page};
use self::words::count;
use super::date;
use crate::measure::time::{Human, Offset};
use crate::measure::verdict::Conclusion;
use crate::run::record::Record;

/// Writes the report; `folder` is where its files are, if that is to be said.
pub fn write(record: &Record, look: Look, folder: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    verdict(record, &mut page);
    acts(record, &mut page);
    for place in 0..record.about.targets.len() {
        page.gap();
        target::write(record, place, &mut page);
    }
    page.gap();
    picture::write(record, &mut page);
    page.gap();
    measured(record, &mut page);
    for note in &record.notes {
        page.item("note", note);
    }
    if let Some(folder) = folder {
        page.item("files", &folder.display().to_string());
    }
    out.write_all(page.text().as_bytes())
}

fn verdict(record: &Record, page: &mut Page) {
    let verdict = &record.verdict;
    let (word, ink) = match verdict.conclusion {
        Conclusion::Pass => ("PASS", Ink::Good),
        Conclusion::Fail => ("FAIL", Ink::Bad),
        Conclusion::Inconclusive => ("INCONCLUSIVE", Ink::Odd),
        Conclusion::CommandFailed => ("COMMAND FAILED", Ink::Bad),
        Conclusion::Interrupted => ("INTERRUPTED", Ink::Odd),
    };
    page.verdict(word, ink, &format!("{}: {}", record.about.name, summary(record)));
    for breach in &verdict.breaches {
        page.point(&breach.to_string());
    }
    for doubt in &verdict.doubts {
        page.point(&format!("not sure: {doubt}"));
    }
}

fn summary(record: &Record) -> String {
    match record.verdict.conclusion {
        Conclusion::Pass if !record.acts.is_empty() => "each act went as its scenario expects".to_owned(),
        Conclusion::Pass => "every budget held".to_owned(),
        Conclusion::Fail => match record.verdict.breaches.len() {
            1 => "a budget was exceeded".to_owned(),
            several => format!("{several} budgets were exceeded"),
        },
        Conclusion::Inconclusive => "the measurement supports no verdict".to_owned(),
        Conclusion::CommandFailed => command_failed(record),
        Conclusion::Interrupted if record.cut => {
            "the record has no end: the run was killed, or still goes on".to_owned()
        }
        Conclusion::Interrupted => "the run was ended before its time; this is what was measured until then".to_owned(),
    }
}

fn command_failed(record: &Record) -> String {
    let exit = record.command.as_ref().and_then(|command| command.exit);
    match exit.map(|exit| (exit.code, exit.signal)) {
        Some((Some(code), _)) => format!("the command ended with exit code {code}"),
        Some((None, Some(signal))) => format!("the command was ended by signal {signal}"),
        Some((None, None)) => "the command did not end well".to_owned(),
        None => record
            .events
            .iter()
            .find(|event| event.kind == "not-started")
            .map_or_else(|| "the command did not start".to_owned(), |event| event.text.clone()),
    }
}

/// A line for each act of a scenario: what it lost.
fn acts(record: &Record, page: &mut Page) {
    let names = record.about.names();
    for act in &record.acts {
        for place in 0..names.len() {
            let totals = record.case(&names).totals(place, act.span);
            let ink = if totals.failed == 0 { Ink::Good } else { Ink::Bad };
            let lost = match totals.failed {
                0 => format!("lost none of {}", count(totals.resolved, "request")),
                failed => {
                    format!("lost {failed} of {}, downtime {}", count(totals.resolved, "request"), totals.equivalent)
                }
            };
            page.row(&format!("\"{}\"", act.name), &lost, ink);
        }
    }
}

/// What was measured, and how well.
fn measured(record: &Record, page: &mut Page) {
    let (seen, about) = (&record.seen, &record.about);
    let all =
        |of: fn(&crate::measure::fold::Counts) -> u64| seen.lanes.iter().map(|lane| of(&lane.counts)).sum::<u64>();
    let length = seen.end.since(Offset::ZERO);
    let (sent, not_sent) = (all(|counts| counts.sent), all(|counts| counts.not_sent));
    let each = if about.targets.len() > 1 { " each target" } else { "" };
    let (day, time) = (date::day(about.anchor, Offset::ZERO), date::time(about.anchor, Offset::ZERO));
    let (sent, rate, length) = (count(sent, "probe"), about.rate.get(), Human(length));
    let mut parts = vec![format!("{sent} at {rate}/s{each} in {length} from {day} {time} UTC")];
    if not_sent > 0 {
        parts.push(format!("{not_sent} more could not be sent"));
    }
    page.item("measured", &parts.join(", "));
    if let Some(late) = seen.lanes.iter().filter_map(|lane| lane.lateness.quantile(0.99)).max() {
        let mut parts = vec![format!("sent within {} of when due (99 %)", Human(late))];
        if let Some(pressure) = record.end.and_then(|end| end.pressure) {
            parts.push(format!("processors contended {:.0} % of the time", pressure * 100.0));
        }
        let reconnects = all(|counts| counts.reconnects);
        if reconnects > 0 {
            parts.push(format!("{} that the server had closed replaced", count(reconnects, "idle connection")));
        }
        page.item("instrument", &parts.join(", "));
    }
    if record.failures.dropped > 0 {
        let (kept, dropped) = (record.failures.kept.len(), record.failures.dropped);
        page.item("note", &format!("{kept} failures are kept one by one, {dropped} more are only counted"));
    }
}

#[cfg(test)]
mod tests;
