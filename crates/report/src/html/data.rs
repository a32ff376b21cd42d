//! What the script draws, as JSON: run lengths, curves, events, and failed probes.
//!
//! Every time is in nanoseconds from the run's beginning.

use serde::Serialize;

use super::event::Failed;
use super::failure::Failures;
use super::lane::{self, Lane};
use super::object::{self, Object};
use super::{RunState, sanitize};
use lapse_measure::outage::OutageId;
use lapse_measure::time::Offset;
use lapse_record::event;
use lapse_record::record::Record;

/// Events that the timeline shows.
const EVENTS: usize = 20_000;

/// How many events it does not show.
pub(super) fn left_out(record: &Record) -> usize {
    record.events.len().saturating_sub(EVENTS)
}

#[derive(Serialize)]
struct Data {
    /// The run goes on.
    live: bool,
    /// Microseconds since the Unix epoch at the run's beginning.
    began_unix_us: u64,
    end: u64,
    phases: Vec<Stretch>,
    acts: Vec<Stretch>,
    command: Option<Stretch>,
    classes: Vec<Class>,
    targets: Vec<String>,
    lanes: Vec<Lane>,
    /// When the prober could not even reach itself.
    held_up: Vec<[u64; 2]>,
    objects: Vec<Object>,
    events: Vec<Event>,
    failures: Failures,
}

/// A stretch of the run with its name.
#[derive(Serialize)]
struct Stretch {
    name: String,
    from: u64,
    to: u64,
}

#[derive(Serialize)]
struct Class {
    name: String,
    health: &'static str,
}

#[derive(Serialize)]
struct Event {
    at: u64,
    source: &'static str,
    kind: String,
    /// It is to stand out among others.
    loud: bool,
    text: String,
    /// The place of its object, if that has a row.
    object: Option<usize>,
    /// Where the nearest failure lies.
    near: Option<String>,
}

/// The data of `record`, fit to stand within a script element.
pub(super) fn of(record: &Record, standing: RunState, rows: &[OutageId]) -> String {
    let palette = lane::palette(record);
    let (objects, places) = object::all(record);
    let failed = Failed::of(record);
    let event = |event: &event::Event| Event {
        at: event.at.as_nanos(),
        source: event.source.name(),
        kind: sanitize(event.kind.name()),
        loud: event.kind.is_loud(),
        text: sanitize(&event.text),
        object: event.object.as_ref().and_then(|object| places.get(object).copied()),
        near: failed.near(record, event).map(|near| sanitize(&near)),
    };
    let data = Data {
        live: standing == RunState::GoesOn,
        began_unix_us: record.about.anchor.unix_ns_at(Offset::ZERO) / 1_000,
        end: record.seen.end.as_nanos(),
        phases: record
            .seen
            .phases
            .spans(record.seen.end)
            .map(|(phase, span)| stretch(&phase.to_string(), span.from, span.to))
            .collect(),
        acts: record.summary.acts.iter().map(|act| stretch(&act.name, act.span.from, act.span.to)).collect(),
        command: command(record),
        classes: palette.iter().map(|class| Class { name: class.to_string(), health: lane::health(*class) }).collect(),
        targets: record.seen.targets.iter().map(|target| sanitize(&target.name)).collect(),
        lanes: record.seen.lanes.iter().map(|lane| Lane::of(record, lane, &palette, rows)).collect(),
        held_up: lane::stretches(&record.seen.held_up),
        events: record.events.iter().take(EVENTS).map(event).collect(),
        objects,
        failures: Failures::of(record, &palette),
    };
    inert(&serde_json::to_string(&data).unwrap_or_default())
}

fn stretch(name: &str, from: Offset, to: Offset) -> Stretch {
    Stretch { name: sanitize(name), from: from.as_nanos(), to: to.as_nanos() }
}

/// The wrapped command, from its start to its end, or to the end of the run.
fn command(record: &Record) -> Option<Stretch> {
    let command = record.command.as_ref()?;
    let to = command.exit.as_ref().map_or(record.seen.end, |exit| exit.at);
    Some(stretch(&command.argv.join(" "), command.started?, to))
}

/// JSON in which nothing can end the script element that it stands in: a less-than sign stands only in strings.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}
