//! What else happened, as a log, and how far each thing lies from the nearest failure.

use maud::{Markup, html};

use super::outage::window;
use super::sanitize;
use crate::date;
use crate::words::phrase::{seconds, some};
use lapse_measure::answer::{Class, Health};
use lapse_measure::lane::LaneId;
use lapse_measure::time::{Human, Offset};
use lapse_measure::timeline::Timeline;
use lapse_record::event::Event;
use lapse_record::record::Record;

/// Events that get a row in the log; the timeline has all of them.
const ROWS: usize = 400;

/// The log; nothing if nothing happened.
pub(super) fn section(record: &Record) -> Markup {
    let failed = Failed::of(record);
    let more = record.events.len().saturating_sub(ROWS);
    html! {
        @if !record.events.is_empty() {
            section #events {
                h2 { "What happened meanwhile" }
                div.scroll.tall tabindex="0" role="group" aria-label="Events" {
                    table {
                        thead { tr { @for name in ["at, UTC", "offset", "by", "what", ""] { th scope="col" { (name) } } } }
                        tbody { @for (nth, event) in record.events.iter().take(ROWS).enumerate() { (row(record, nth, event, failed.near(record, event))) } }
                    }
                }
                @if more > 0 { p.remarks { "and " (some(more as u64, "further event")) " in the timeline" } }
            }
        }
    }
}

fn row(record: &Record, nth: usize, event: &Event, near: Option<String>) -> Markup {
    let whom = event.object.as_ref().map_or_else(|| event.source.name().to_owned(), ToString::to_string);
    html! {
        tr data-event=(nth) {
            td { a href=(window(event.at, event.at)) { (date::moment(record.about.anchor, event.at)) } }
            td.value { (seconds(event.at.since(Offset::ZERO))) }
            td { (sanitize(&whom)) }
            td { (sanitize(event.kind.name())) }
            td {
                (sanitize(&event.text))
                @if let Some(near) = near { span.meaning { (sanitize(&near)) } }
            }
        }
    }
}

/// When each lane failed, to look up what lies nearest.
pub(super) struct Failed(Vec<(LaneId, Vec<Stretch>)>);

/// Failed slots of one class without one of another between them.
struct Stretch {
    from: Offset,
    to: Offset,
    class: Class,
}

impl Failed {
    pub(super) fn of(record: &Record) -> Self {
        Self(record.seen.lanes.iter().map(|lane| (lane.id, stretches(&lane.timeline))).collect())
    }

    /// How far the nearest failure lies from `event`, unless that is only a line that a command printed.
    pub(super) fn near(&self, record: &Record, event: &Event) -> Option<String> {
        (!event.kind.is_line()).then(|| self.nearest(record, event.at)).flatten()
    }

    /// How far the nearest failed probe lies from `at`, in words; nothing if none failed.
    fn nearest(&self, record: &Record, at: Offset) -> Option<String> {
        let lanes = self.0.iter();
        let near = lanes.flat_map(|(lane, stretches)| beside(stretches, at).map(move |one| (*lane, one)));
        let (lane, stretch) = near.min_by_key(|(lane, stretch)| (distance(stretch, at), *lane))?;
        let (by, class, name) = (Human(distance(stretch, at)), stretch.class, &record.summary.lane(lane).name);
        Some(match (at < stretch.from, at > stretch.to) {
            (true, _) => format!("nearest failure: {by} later, on {name} ({class})"),
            (_, true) => format!("nearest failure: {by} before, on {name} ({class})"),
            _ => format!("while {name} was failing ({class})"),
        })
    }
}

fn stretches(timeline: &Timeline) -> Vec<Stretch> {
    let due = |slot| timeline.schedule().due(slot);
    let failed = timeline.runs().iter().filter(|run| run.class.health() == Health::Failed);
    failed.map(|run| Stretch { from: due(run.slot), to: due(run.last_slot()), class: run.class }).collect()
}

/// The last stretch that began by `at`, and the first that began later.
fn beside(stretches: &[Stretch], at: Offset) -> impl Iterator<Item = &Stretch> {
    let later = stretches.partition_point(|stretch| stretch.from <= at);
    later.checked_sub(1).into_iter().chain([later]).filter_map(|place| stretches.get(place))
}

fn distance(stretch: &Stretch, at: Offset) -> std::time::Duration {
    stretch.from.since(at).max(at.since(stretch.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{healthy, upgrade};

    #[test]
    fn the_nearest_failure_may_lie_on_either_side() {
        let record = upgrade();
        let near = |ms| Failed::of(&record).nearest(&record, Offset::from_millis(ms)).unwrap();
        assert_eq!(near(6_990), "nearest failure: 10 ms later, on reused (reset)");
        assert_eq!(near(9_109), "nearest failure: 10 ms before, on new (refused)");
        assert_eq!(near(8_000), "while new was failing (refused)");
        assert_eq!(Failed::of(&healthy()).nearest(&healthy(), Offset::ZERO), None);
    }
}
