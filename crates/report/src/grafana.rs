//! Annotations for Grafana, a JSON object a line: the event of the run, and each disruption of a target, as regions.
//!
//! Each line is the body of a `POST /api/annotations`: <https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>.
//! Dates are whole milliseconds there: a region is rounded outwards, so that no disruption vanishes. Of the command only
//! the program is told, since its arguments may be secret.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::longest::Longest;
use super::sanitize::sanitize;
use super::words::phrase::{lost_share, some, some_classes};
use lapse_measure::answer::Class;
use lapse_measure::disruption::Disruption;
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The most disruptions that are told, the longest ones: each is a request to Grafana.
const MAX_DISRUPTIONS: usize = 100;
/// The most characters of a tag, which the database of Grafana has room for.
const MAX_TAG: usize = 100;
/// The nanoseconds of a millisecond.
const MILLISECOND: u64 = 1_000_000;

/// Writes the annotations of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let targets = record.summary.targets.iter();
    let all = targets.flat_map(|target| target.disruptions.iter().map(move |one| (target, one))).collect();
    let longest = Longest::of(all, MAX_DISRUPTIONS, |(_, one)| (one.length().estimate, one.from));
    let events = record.seen.phases.spans(record.seen.end).filter(|(phase, _)| *phase == Phase::Event);
    for (_, span) in events {
        writeln!(out, "{}", event(record, span, longest.more.len() as u64))?;
    }
    for (target, one) in longest.shown {
        writeln!(out, "{}", disruption(record, target, one))?;
    }
    out.flush()
}

/// The event: what happened, and what the run came to.
fn event(record: &Record, span: Span, untold: u64) -> Value {
    let command = record.command.as_ref().and_then(|command| command.argv.first());
    let program = command.and_then(|word| Path::new(word).file_name()).map(|name| name.to_string_lossy());
    let what = program.unwrap_or("event".into());
    let more = if untold > 0 { format!("; {} not marked", some(untold, "shorter disruption")) } else { String::new() };
    let text = format!("{}: {what}; verdict {}{more}", record.about.name, record.summary.verdict.conclusion);
    region(record, span, &["event"], &text)
}

/// A disruption of a target, and what it cost.
fn disruption(record: &Record, target: &TargetSummary, one: &Disruption) -> Value {
    let length = one.length();
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    let lanes = target.lanes.iter().map(|lane| &record.seen.lane(*lane).timeline);
    for (class, count) in lanes.flat_map(|timeline| one.classes_of(timeline)) {
        *counts.entry(class).or_default() += count;
    }
    let cost = lost_share(one.failed, one.resolved);
    let text = format!("{}: disrupted for {length}; {cost}: {}", target.name, some_classes(&counts));
    let name = format!("target:{}", target.name);
    region(record, Span::new(one.from, one.from + length.estimate), &["disruption", &name], &text)
}

/// A region of a dashboard with the tags of all regions and these.
fn region(record: &Record, span: Span, tags: &[&str], text: &str) -> Value {
    let date = |at: Offset| record.about.anchor.date_at(at).as_nanos();
    let run = format!("run:{}", record.about.name);
    let tags = ["lapse", run.as_str()].into_iter().chain(tags.iter().copied());
    let tags = tags.map(|tag| sanitize(tag).chars().take(MAX_TAG).collect()).collect::<Vec<String>>();
    json!({
        "time": date(span.from) / MILLISECOND,
        "timeEnd": date(span.to).div_ceil(MILLISECOND),
        "tags": tags,
        "text": sanitize(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{self, Answer, Sample};
    use std::time::Duration;

    fn lines(record: &Record) -> Vec<Value> {
        let mut out = Vec::new();
        write(record, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_event_and_each_disruption_of_a_target_are_regions_that_are_no_shorter_than_measured() {
        for record in [sample::upgrade(), sample::nasty(), sample::killed(), sample::versions(), sample::empty()] {
            let of = |tag: &str| {
                let has = |one: &Value| one["tags"].as_array().unwrap().contains(&tag.into());
                lines(&record).into_iter().filter(has).collect::<Vec<_>>()
            };
            let mut all: Vec<_> = record.summary.targets.iter().flat_map(|target| &target.disruptions).collect();
            all.sort_by_key(|one| one.from);
            let told = of("disruption");
            assert_eq!(told.len(), all.len());
            for (region, one) in told.iter().zip(all) {
                let length = region["timeEnd"].as_u64().unwrap() - region["time"].as_u64().unwrap();
                assert!(Duration::from_millis(length) >= one.length().estimate, "{region}");
            }
            assert_eq!(of("lapse").len(), lines(&record).len());
        }
    }

    #[test]
    fn of_the_command_only_the_program_is_told() {
        let mut record = sample::upgrade();
        let command = record.command.as_mut().unwrap();
        command.argv = ["/usr/bin/helm", "upgrade", "--set", "password=hunter2"].map(str::to_owned).to_vec();
        let [event, ..] = &lines(&record)[..] else { panic!("the event comes first") };
        assert_eq!(event["text"], "upgrade: helm; verdict fail");
        assert_eq!(event["tags"], json!(["lapse", "run:upgrade", "event"]));
    }

    #[test]
    fn of_very_many_disruptions_the_longest_are_told_and_the_others_counted() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(60_000, |_, ms| match ms % 500 {
            0..2 => Answer::after(Class::Status(503), 300),
            2 if ms / 500 == 7 => Answer::after(Class::Status(503), 300),
            _ => Answer::after(Class::Ok, 300),
        });
        let all = lines(&record);
        assert_eq!(all.len(), 1 + MAX_DISRUPTIONS);
        assert_eq!(all[0]["text"], "upgrade: event; verdict fail; 20 shorter disruptions not marked");
    }
}
