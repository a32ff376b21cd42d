//! The verdict in one word, why, and what to do next.

use super::phrase::{Count, seconds, some};
use crate::date;
use lapse_measure::answer::Class;
use lapse_measure::outage::Open;
use lapse_measure::phase::Phase;
use lapse_measure::time::Offset;
use lapse_measure::verdict::{Breach, Conclusion};
use lapse_record::record::{CommandRun, Record};
use lapse_record::summary::TargetSummary;

/// Lines of a failed command's output that are shown.
const LAST_WORDS: usize = 5;

/// The reason for the conclusion, as a clause.
pub(crate) fn why(record: &Record) -> String {
    match record.summary.verdict.conclusion {
        Conclusion::Pass if !record.summary.acts.is_empty() => "each act went as its scenario expects".to_owned(),
        Conclusion::Pass => "every budget held".to_owned(),
        Conclusion::Fail => match record.summary.verdict.breaches.len() {
            1 if record.ended_early.is_some() => "a budget was exceeded, and the run ended there".to_owned(),
            1 => "a budget was exceeded".to_owned(),
            many => format!("{many} budgets were exceeded"),
        },
        Conclusion::Inconclusive => "what was measured proves neither pass nor fail".to_owned(),
        Conclusion::CommandFailed => record.how_the_command_ended().unwrap_or_default(),
        Conclusion::Interrupted if record.cut => {
            "the record breaks off: the run was killed, or still goes on".to_owned()
        }
        Conclusion::Interrupted => "the run was ended by a signal; this is what was measured until then".to_owned(),
    }
}

/// A breach in a line: figure, target or lane, limit. The budget is named unless its name is the limit.
pub(crate) fn breach(breach: &Breach) -> String {
    let Breach { budget, of, figure, limit } = breach;
    let name = if budget == limit { String::new() } else { format!(" ({budget})") };
    format!("{figure} on {of}, allowed: {limit}{name}")
}

/// Advice on how a next run could be conclusive, by the reasons for doubt that the record shows.
pub(crate) fn next_steps(record: &Record) -> Vec<String> {
    let targets = &record.summary.targets;
    let mut steps: Vec<_> = targets.iter().flat_map(steps_for).collect();
    let lanes = &record.seen.lanes;
    if lanes.iter().flat_map(|lane| &lane.outages).any(|outage| outage.open.contains(&Open::End)) {
        steps.push("let the run go on until the service is up again, so that outages have an end".to_owned());
    }
    if targets.iter().any(|target| too_blind(record, target)) {
        steps.push("run where the machine is less busy, or with a lower rate, so that every probe is sent".to_owned());
    }
    steps
}

fn steps_for(target: &TargetSummary) -> Vec<String> {
    let (name, mut steps) = (&target.name, Vec::new());
    if target.totals.resolved == 0 {
        let curl = if target.url.starts_with("http") { format!(": curl -v {}", target.url) } else { String::new() };
        steps.push(format!("check that {name} can be reached from this machine{curl}"));
    }
    let mut before =
        target.phases.iter().filter(|one| one.phase == Phase::Baseline && one.totals.failed > 0).peekable();
    if before.peek().is_some() {
        let is_late = |class: &Class| *class == Class::ResponseTimeout;
        let step = if before.all(|one| one.totals.classes.keys().all(is_late)) {
            format!("run again with a --timeout longer than {name} takes to answer")
        } else {
            format!("find out what fails on {name} when nothing is going on, then run again")
        };
        steps.push(step);
    }
    steps
}

fn too_blind(record: &Record, target: &TargetSummary) -> bool {
    let Some(max) = record.about.rules.max_blind else { return false };
    target.phases.iter().filter(|one| one.phase == Phase::Event).any(|one| {
        let blind = one.totals.blind.as_secs_f64();
        one.totals.longest_blind > max.stretch || blind > one.span.length().as_secs_f64() * max.share
    })
}

/// The last lines that the command printed.
pub(crate) fn last_words(record: &Record) -> Vec<&str> {
    let lines = record.events.iter().rev().filter(|event| event.kind.is_line());
    let mut lines: Vec<_> = lines.take(LAST_WORDS).map(|event| event.text.as_str()).collect();
    lines.reverse();
    lines
}

/// The run in a line: its name, length, start, rate, number of targets, and the wrapped command.
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
    format!(", around {}{took}", command.quoted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{Answer, Sample};

    #[test]
    fn a_service_slower_than_the_timeout_asks_for_a_longer_one_and_for_nothing_else() {
        let answers = |class, micros| {
            let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 5000);
            sample.record(7000, move |_, _| Answer::after(class, micros))
        };
        let slow = answers(Class::ResponseTimeout, 4_000_000);
        let why = "no failed probe on shop: 2000 of 2000 probes failed, but every probe ended at the prober's own \
                   --timeout, from the start on: give it a longer one (in the baseline 5000 of 5000 probes failed)";
        assert_eq!(slow.summary.verdict.inconclusive, [why]);
        assert_eq!(next_steps(&slow)[0], "run again with a --timeout longer than shop takes to answer");
        let refused = next_steps(&answers(Class::Refused, 200));
        assert_eq!(refused[0], "find out what fails on shop when nothing is going on, then run again");
    }
}
