//! The event log, with the nearest failure to each event.

use maud::{Markup, html};

use super::disruption::window;
use super::sanitize;
use crate::date;
use crate::words::phrase::{seconds, some};
use lapse_measure::answer::{Class, Health};
use lapse_measure::lane::LaneId;
use lapse_measure::time::{Human, Offset};
use lapse_measure::timeline::Timeline;
use lapse_record::event::Event;
use lapse_record::record::Record;

/// Rows of the log. The timeline shows further events.
const MAX_ROWS: usize = 400;

/// The section with the log; nothing if there was no event.
pub(super) fn section(record: &Record) -> Markup {
    let failed = Failed::of(record);
    let more = record.events.len().saturating_sub(MAX_ROWS);
    html! {
        @if !record.events.is_empty() {
            section #events {
                h2 { "What happened meanwhile" }
                div.scroll.tall tabindex="0" role="group" aria-label="Events" {
                    table {
                        thead { tr { @for name in ["at, UTC", "offset", "by", "what", ""] { th scope="col" { (name) } } } }
                        tbody { @for (nth, event) in record.events.iter().take(MAX_ROWS).enumerate() { (row(record, nth, event, failed.near(record, event))) } }
                    }
                }
                @if more > 0 { p.remarks { "and " (some(more as u64, "further event")) " in the timeline" } }
            }
        }
    }
}

fn row(record: &Record, nth: usize, event: &Event, near: Option<String>) -> Markup {
    let subject = event.object.as_ref().map_or_else(|| event.source.name().to_owned(), ToString::to_string);
    html! {
        tr data-event=(nth) {
            td { a href=(window(event.at, event.at)) { (date::moment(record.about.anchor, event.at)) } }
            td.value { (seconds(event.at.since(Offset::ZERO))) }
            td { (sanitize(&subject)) }
            td { (sanitize(event.kind.name())) }
            td {
                (sanitize(&event.text))
                @if let Some(near) = near { span.meaning { (sanitize(&near)) } }
            }
        }
    }
}

/// The failures of each lane, ordered by time, to look up the nearest to an event.
pub(super) struct Failed(Vec<(LaneId, Vec<FailedRun>)>);

/// Consecutive failed slots of one class.
struct FailedRun {
    from: Offset,
    to: Offset,
    class: Class,
}

impl Failed {
    pub(super) fn of(record: &Record) -> Self {
        Self(record.seen.lanes.iter().map(|lane| (lane.id, failed_runs(&lane.timeline))).collect())
    }

    /// The nearest failure to `event`, in words; `None` for a line of the command's output, or if no probe failed.
    pub(super) fn near(&self, record: &Record, event: &Event) -> Option<String> {
        (!event.kind.is_line()).then(|| self.nearest(record, event.at)).flatten()
    }

    /// The nearest failed probe to `at`, with its distance, lane and class in words; `None` if no probe failed.
    fn nearest(&self, record: &Record, at: Offset) -> Option<String> {
        let lanes = self.0.iter();
        let near = lanes.flat_map(|(lane, runs)| neighbours(runs, at).map(move |run| (*lane, run)));
        let (lane, run) = near.min_by_key(|(lane, run)| (distance(run, at), *lane))?;
        let (by, class, name) = (Human(distance(run, at)), run.class, &record.summary.lane(lane).name);
        Some(match (at < run.from, at > run.to) {
            (true, _) => format!("nearest failure: {by} later, on {name} ({class})"),
            (_, true) => format!("nearest failure: {by} before, on {name} ({class})"),
            _ => format!("while {name} was failing ({class})"),
        })
    }
}

fn failed_runs(timeline: &Timeline) -> Vec<FailedRun> {
    let due = |slot| timeline.schedule().due(slot);
    let failed = timeline.runs().iter().filter(|run| run.class.health() == Health::Failed);
    failed.map(|run| FailedRun { from: due(run.slot), to: due(run.last_slot()), class: run.class }).collect()
}

/// The last run that began at or before `at`, and the first that began later.
fn neighbours(runs: &[FailedRun], at: Offset) -> impl Iterator<Item = &FailedRun> {
    let later = runs.partition_point(|run| run.from <= at);
    later.checked_sub(1).into_iter().chain([later]).filter_map(|index| runs.get(index))
}

fn distance(run: &FailedRun, at: Offset) -> std::time::Duration {
    run.from.since(at).max(at.since(run.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{healthy, upgrade};

    #[test]
    fn the_nearest_failure_may_be_before_or_after_the_event() {
        let record = upgrade();
        let near = |ms| Failed::of(&record).nearest(&record, Offset::from_millis(ms)).unwrap();
        assert_eq!(near(6_990), "nearest failure: 10 ms later, on reused (reset)");
        assert_eq!(near(9_109), "nearest failure: 10 ms before, on new (refused)");
        assert_eq!(near(8_000), "while new was failing (refused)");
        assert_eq!(Failed::of(&healthy()).nearest(&healthy(), Offset::ZERO), None);
    }
}
