//! The verdict, why, and what to do next: the first lines of the page.

use super::look::Ink;
use super::page::Page;
use crate::words::headline;
use crate::words::verdict::{about, breach, last_words, next_steps, why};
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Breaches and doubts that are listed one by one; a scenario may have hundreds.
const LISTED: usize = 20;

pub(super) fn write(record: &Record, page: &mut Page) {
    let verdict = &record.summary.verdict;
    let word = verdict.conclusion.to_string().to_uppercase();
    page.lead(ink(verdict.conclusion), &word, &why(record));
    for sentence in headline::sentences(record) {
        page.say(2, &sentence);
    }
    list(page, "exceeded", &verdict.breaches.iter().map(breach).collect::<Vec<_>>());
    list(page, "in doubt", &verdict.inconclusive);
    if !verdict.inconclusive.is_empty() {
        for step in next_steps(record) {
            page.say(2, &format!("next: {step}"));
        }
    }
    if verdict.conclusion == Conclusion::CommandFailed {
        write_last_words(record, page);
    }
    page.say(2, &about(record));
}

/// The colour of a conclusion.
pub(crate) const fn ink(conclusion: Conclusion) -> Ink {
    match conclusion {
        Conclusion::Pass => Ink::Good,
        Conclusion::Fail | Conclusion::CommandFailed => Ink::Bad,
        Conclusion::Inconclusive | Conclusion::Interrupted => Ink::Unsure,
    }
}

/// Lists reasons of one kind, and counts those for which there is no room.
pub(crate) fn list(page: &mut Page, what: &str, all: &[String]) {
    for one in all.iter().take(LISTED) {
        page.say(2, &format!("{what}: {one}"));
    }
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        page.say(2, &format!("{what}: {more} more"));
    }
}

fn write_last_words(record: &Record, page: &mut Page) {
    let lines = last_words(record);
    if !lines.is_empty() {
        page.say(2, "its last words:");
    }
    for line in lines {
        page.say(4, line);
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::{Colour, Glyphs, Look};
    use super::*;
    use lapse_measure::answer::Class;
    use lapse_measure::phase::Phase;
    use lapse_record::sample::{Answer, Sample};

    fn told(record: &Record) -> String {
        let mut page = Page::new(Look { width: 100, colour: Colour::Plain, glyphs: Glyphs::Ascii });
        write(record, &mut page);
        page.into_text()
    }

    #[test]
    fn a_command_that_failed_is_quoted() {
        let lines = ["one", "two", "three", "four", "five", "Error: UPGRADE FAILED"];
        let sample = Sample::of(&["shop"]).phase(Phase::Event, 0).command("helm upgrade", (0, 900), 1, &lines);
        let told = told(&sample.record(1000, |_, _| Answer::after(Class::Ok, 300)));
        let expected = "COMMAND-FAILED: `helm upgrade` exited with 1
  its last words:
    two
    three
    four
    five
    Error: UPGRADE FAILED
  upgrade: 1.000 s from 2023-11-14 22:13:20.000 UTC, 1,000 probes a second, around `helm upgrade`
    (0.900 s)
";
        assert_eq!(told, expected);
    }

    #[test]
    fn doubts_come_with_a_next_step() {
        let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 100);
        let told = told(&sample.record(200, |_, ms| match ms {
            50 => Answer::after(Class::Dns, 300),
            _ => Answer::after(Class::Ok, 300),
        }));
        let expected = "INCONCLUSIVE: what was measured proves neither pass nor fail
  for 2.00 ms, 1 request on a kept connection failed (dns)
  in doubt: no failed probe on shop: the baseline is not clean: before the event 1 of 100 probes
    failed (dns x1); --max-failed 5.5% would judge it beside that noise
  next: find out what fails on shop when nothing is going on, then run again
  upgrade: 0.200 s from 2023-11-14 22:13:20.000 UTC, 1,000 probes a second
";
        assert_eq!(told, expected);
    }
}
