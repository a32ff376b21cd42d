//! The verdict in one word, why, and what to do next.

use super::look::Ink;
use super::page::Page;
use super::phrase::{Count, seconds, some};
use crate::{date, headline};
use lapse_measure::outage::Open;
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::verdict::{Breach, Case, Conclusion};
use lapse_record::event::EventKind;
use lapse_record::record::{CommandRun, Record};

/// Breaches and doubts told one by one; a scenario may have hundreds.
const TOLD: usize = 20;
/// Lines of a failed command's output that are shown.
const LAST_WORDS: usize = 5;

pub(super) fn write(record: &Record, case: Case<'_>, page: &mut Page) {
    let verdict = &record.verdict;
    let word = verdict.conclusion.to_string().to_uppercase();
    page.lead(ink(verdict.conclusion), &word, &why(record));
    for sentence in headline::sentences(case) {
        page.say(2, &sentence);
    }
    tell(page, "exceeded", &verdict.breaches.iter().map(breach).collect::<Vec<_>>());
    tell(page, "in doubt", &verdict.inconclusive);
    if !verdict.inconclusive.is_empty() {
        for step in next_steps(record, case) {
            page.say(2, &format!("next: {step}"));
        }
    }
    if verdict.conclusion == Conclusion::CommandFailed {
        tell_last_words(record, page);
    }
    page.say(2, &about(record));
}

const fn ink(conclusion: Conclusion) -> Ink {
    match conclusion {
        Conclusion::Pass => Ink::Good,
        Conclusion::Fail | Conclusion::CommandFailed => Ink::Bad,
        Conclusion::Inconclusive | Conclusion::Interrupted => Ink::Unsure,
    }
}

/// What the conclusion rests on, in a sentence.
pub(crate) fn why(record: &Record) -> String {
    match record.verdict.conclusion {
        Conclusion::Pass if !record.acts.is_empty() => "each act went as its scenario expects".to_owned(),
        Conclusion::Pass => "every budget held".to_owned(),
        Conclusion::Fail => match record.verdict.breaches.len() {
            1 => "a budget was exceeded".to_owned(),
            many => format!("{many} budgets were exceeded"),
        },
        Conclusion::Inconclusive => "what was measured proves neither pass nor fail".to_owned(),
        Conclusion::CommandFailed => {
            record.command.as_ref().map(|command| how_it_ended(record, command)).unwrap_or_default()
        }
        Conclusion::Interrupted if record.cut => {
            "the record breaks off: the run was killed, or still goes on".to_owned()
        }
        Conclusion::Interrupted => "the run was ended by a signal; this is what was measured until then".to_owned(),
    }
}

/// What broke a budget. A budget that is called by its limit is not named twice.
pub(crate) fn breach(breach: &Breach) -> String {
    let Breach { budget, of, figure, limit } = breach;
    let name = if budget == limit { String::new() } else { format!(" ({budget})") };
    format!("{figure} on {of}, allowed: {limit}{name}")
}

/// The command, and how it ended.
pub(crate) fn how_it_ended(record: &Record, command: &CommandRun) -> String {
    if let Some(why) = record.events.iter().find(|event| event.kind == EventKind::NotStarted) {
        return why.text.clone();
    }
    let words = quoted(&command.argv);
    match (command.started, &command.exit) {
        (None, _) => format!("{words} was never started: check that it can be found and run"),
        (_, None) => format!("{words} had not ended when the run did"),
        (_, Some(exit)) => match (exit.code, exit.signal) {
            (Some(code), _) => format!("{words} exited with {code}"),
            (None, Some(signal)) => format!("{words} was ended by signal {signal}"),
            (None, None) => format!("{words} could not start: check that it can be found and run"),
        },
    }
}

fn tell(page: &mut Page, what: &str, all: &[String]) {
    for one in all.iter().take(TOLD) {
        page.say(2, &format!("{what}: {one}"));
    }
    if let Some(more) = all.len().checked_sub(TOLD).filter(|more| *more > 0) {
        page.say(2, &format!("{what}: {more} more"));
    }
}

/// What would take the doubts away, by what there is to see of their reasons.
pub(crate) fn next_steps(record: &Record, case: Case<'_>) -> Vec<String> {
    let mut steps: Vec<_> = (0..case.targets.len()).flat_map(|target| steps_for(record, case, target)).collect();
    let lanes = &record.seen.lanes;
    if lanes.iter().flat_map(|lane| &lane.outages).any(|outage| outage.open.contains(&Open::End)) {
        steps.push("let the run go on until the service is up again, so that outages have an end".to_owned());
    }
    let unsent = lanes.iter().any(|lane| lane.counts.not_sent > lane.counts.offered / 20);
    if unsent || (0..case.targets.len()).any(|target| too_blind(record, case, target)) {
        steps.push("run where the machine is less busy, or with a lower rate, so that every probe is sent".to_owned());
    }
    steps
}

fn steps_for(record: &Record, case: Case<'_>, place: usize) -> Vec<String> {
    let target = &record.about.targets[place];
    let mut steps = Vec::new();
    if case.totals(place, record.whole()).resolved == 0 {
        steps.push(format!("check that {} can be reached from this machine: curl -v {}", target.name, target.url));
    }
    if spans(record, Phase::Baseline).any(|span| case.totals(place, span).failed > 0) {
        steps.push(format!("find out what fails on {} when nothing is going on, then run again", target.name));
    }
    steps
}

fn too_blind(record: &Record, case: Case<'_>, target: usize) -> bool {
    let max = record.about.max_blind;
    spans(record, Phase::Event).any(|span| {
        let totals = case.totals(target, span);
        totals.longest_blind > max.stretch || totals.blind.as_secs_f64() > span.length().as_secs_f64() * max.share
    })
}

fn spans(record: &Record, wanted: Phase) -> impl Iterator<Item = Span> + '_ {
    let all = record.seen.phases.spans(record.seen.end);
    all.filter(move |(phase, _)| *phase == wanted).map(|(_, span)| span)
}

fn tell_last_words(record: &Record, page: &mut Page) {
    let lines = last_words(record);
    if !lines.is_empty() {
        page.say(2, "its last words:");
    }
    for line in lines {
        page.say(4, line);
    }
}

/// The last lines that the command printed.
pub(crate) fn last_words(record: &Record) -> Vec<&str> {
    let lines = record.events.iter().rev().filter(|event| event.kind.is_line());
    let mut lines: Vec<_> = lines.take(LAST_WORDS).map(|event| event.text.as_str()).collect();
    lines.reverse();
    lines
}

/// What was run, when, and with what.
pub(crate) fn about(record: &Record) -> String {
    let about = &record.about;
    let began = date::rfc3339(about.anchor, Offset::ZERO).replace('T', " ").replace('Z', " UTC");
    let length = seconds(record.whole().length());
    let rate = some(about.rate.get(), "probe");
    let of = match about.targets.len() {
        1 => String::new(),
        many => format!(" on each of {} targets", Count(many as u64)),
    };
    let command = record.command.as_ref().map(around).unwrap_or_default();
    format!("{}: {length} from {began}, {rate} a second{of}{command}", about.name)
}

/// The command, and how long it took.
fn around(command: &CommandRun) -> String {
    let took = command.started.zip(command.exit.as_ref()).map(|(from, exit)| seconds(exit.at.since(from)));
    let took = took.map(|took| format!(" ({took})")).unwrap_or_default();
    format!(", around {}{took}", quoted(&command.argv))
}

fn quoted(argv: &[String]) -> String {
    format!("`{}`", argv.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::look::{Colour, Glyphs, Look};
    use super::*;
    use lapse_measure::answer::Class;
    use lapse_record::sample::{Answer, Sample};

    fn told(record: &Record) -> String {
        let names = record.about.names();
        let mut page = Page::new(Look { width: 100, colour: Colour::Plain, glyphs: Glyphs::Ascii });
        write(record, record.case(&names), &mut page);
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
  in doubt: the baseline of shop is not clean: 1 of 100 probes failed before the event (dns x1)
  next: find out what fails on shop when nothing is going on, then run again
  upgrade: 0.200 s from 2023-11-14 22:13:20.000 UTC, 1,000 probes a second
";
        assert_eq!(told, expected);
    }
}
