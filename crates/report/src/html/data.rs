//! The script's input as JSON: run lengths, latency curves, events and failed probes.
//!
//! Times are nanoseconds since the beginning of the run.

use serde::Serialize;

use super::event::Failed;
use super::failure::Failures;
use super::lane::{self, Lane};
use super::loss::{self, Loss};
use super::object::{self, Object};
use super::{RunState, sanitize};
use lapse_measure::answer;
use lapse_measure::time::Offset;
use lapse_record::event;
use lapse_record::record::Record;

/// Events on the timeline; later ones are counted in a note.
const MAX_EVENTS: usize = 20_000;

/// The number of events beyond [`MAX_EVENTS`].
pub(super) fn left_out(record: &Record) -> usize {
    record.events.len().saturating_sub(MAX_EVENTS)
}

#[derive(Serialize)]
struct Data {
    /// True if the run goes on.
    live: bool,
    /// Date of offset zero, in microseconds since the Unix epoch.
    began_unix_us: u64,
    end: u64,
    phases: Vec<NamedSpan>,
    acts: Vec<NamedSpan>,
    command: Option<NamedSpan>,
    classes: Vec<Class>,
    targets: Vec<String>,
    lanes: Vec<Lane>,
    /// Spans in which the control lane failed or stalled, as `[from, to]`.
    held_up: Vec<[u64; 2]>,
    objects: Vec<Object>,
    events: Vec<Event>,
    failures: Failures,
}

/// A named span of the run: a phase, an act or the command.
#[derive(Serialize)]
struct NamedSpan {
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
    /// True if the event is drawn highlighted.
    loud: bool,
    text: String,
    /// Index of the event's object in `objects`, if that has a row.
    object: Option<usize>,
    /// The nearest failure and its distance, in words.
    near: Option<String>,
}

/// Several runs on one axis.
#[derive(Serialize)]
struct SeveralRuns {
    /// What the axis counts from, in nanoseconds from its left end.
    origin: u64,
    /// The classes of all runs; those of each part are left out.
    classes: Vec<Class>,
    parts: Vec<Part>,
}

/// One of several runs.
#[derive(Serialize)]
struct Part {
    name: String,
    /// How far the run is moved to the right.
    shift: u64,
    run: Data,
}

/// The data of `record` as JSON that is safe inside a script element. `losses` have a row in the table, in the order
/// of lanes and time.
pub(super) fn of(record: &Record, state: RunState, losses: &[Loss<'_>]) -> String {
    let palette = lane::palette([record]);
    let data = Data { classes: classes(&palette), ..of_record(record, state, losses, &palette) };
    escape_for_script(&serde_json::to_string(&data).unwrap_or_default())
}

/// The data of several runs, each with its name and the offset that is drawn where those of the others are.
pub(super) fn of_several(runs: &[(&str, &Record, Offset)]) -> String {
    let palette = lane::palette(runs.iter().map(|(_, record, _)| *record));
    let origin = runs.iter().map(|(.., at)| at.as_nanos()).max().unwrap_or_default();
    let part = |(name, record, at): &(&str, &Record, Offset)| Part {
        name: sanitize(name),
        shift: origin - at.as_nanos(),
        run: of_record(record, RunState::Over, &loss::all(record), &palette),
    };
    let data = SeveralRuns { origin, classes: classes(&palette), parts: runs.iter().map(part).collect() };
    escape_for_script(&serde_json::to_string(&data).unwrap_or_default())
}

fn classes(palette: &[answer::Class]) -> Vec<Class> {
    palette.iter().map(|class| Class { name: class.to_string(), health: lane::health(*class) }).collect()
}

/// The data of a run without its classes, which are those of `palette`.
fn of_record(record: &Record, state: RunState, losses: &[Loss<'_>], palette: &[answer::Class]) -> Data {
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
    Data {
        live: state == RunState::GoesOn,
        began_unix_us: record.about.anchor.date_at(Offset::ZERO).as_nanos() / 1_000,
        end: record.seen.end.as_nanos(),
        phases: record
            .seen
            .phases
            .spans(record.seen.end)
            .map(|(phase, span)| named_span(&phase.to_string(), span.from, span.to))
            .collect(),
        acts: record.summary.acts.iter().map(|act| named_span(&act.name, act.span.from, act.span.to)).collect(),
        command: command(record),
        classes: Vec::new(),
        targets: record.seen.targets.iter().map(|target| sanitize(&target.name)).collect(),
        lanes: record.seen.lanes.iter().map(|lane| Lane::of(record, lane, palette, losses)).collect(),
        held_up: lane::longest_spans(&record.seen.held_up),
        events: record.events.iter().take(MAX_EVENTS).map(event).collect(),
        objects,
        failures: Failures::of(record, palette),
    }
}

fn named_span(name: &str, from: Offset, to: Offset) -> NamedSpan {
    NamedSpan { name: sanitize(name), from: from.as_nanos(), to: to.as_nanos() }
}

/// The wrapped command, from its start to its exit, or to the end of the run if it outlived that.
fn command(record: &Record) -> Option<NamedSpan> {
    let command = record.command.as_ref()?;
    let to = command.exit.as_ref().map_or(record.seen.end, |exit| exit.at);
    Some(named_span(&command.argv.join(" "), command.started?, to))
}

/// `json` with every `<` escaped, so that no string in it can end the script element. JSON has `<` only in strings.
fn escape_for_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}
