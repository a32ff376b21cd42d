//! A run as spans of OTLP: the run, its phases and its command, each disruption of a target with the events of pods near
//! it, and below it those of its lanes.
//!
//! Format: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>; identifiers are in hexadecimal there.

use std::time::Duration;

use serde_json::{Value, json};

use super::otlp::{Resource, nanos, scope};
use crate::sanitize::sanitize;
use lapse_measure::disruption::Disruption;
use lapse_measure::lane::LaneId;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_measure::verdict::Conclusion;
use lapse_record::event::{Event, ObjectKind};
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The most spans of a run; viewers do not cope with more.
const MAX_SPANS: usize = 2_000;
/// The most events of a span, which is the limit of OpenTelemetry.
const MAX_EVENTS: usize = 128;
/// How long before a disruption an event of a pod may have caused it: the longest lag of endpoints and proxies.
const LAG: Duration = Duration::from_secs(10);
/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The identifiers of the spans of a run.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// The trace that the spans belong to.
    pub trace: u128,
    /// The span around the run, of the program that started it; `None` if there is none.
    pub parent: Option<u64>,
    /// A random number that the identifiers of the spans are made of.
    pub seed: u64,
}

impl Ids {
    /// The identifier of the span of this number. No two of a run are the same (splitmix64), and zero is none.
    const fn of(self, nth: usize) -> u64 {
        let mut id = self.seed.wrapping_add((nth as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        id ^= id >> 31;
        if id == 0 { 1 } else { id }
    }
}

/// The request that exports the spans of `record`, which is the trial of this number if it is one.
pub fn spans(record: &Record, trial: Option<u16>, resource: &Resource, ids: Ids) -> Value {
    let mut spans = Spans { record, trial, ids, all: Vec::new(), dropped: 0 };
    spans.add_run();
    let scoped = json!({"scope": scope(), "spans": spans.all});
    json!({"resourceSpans": [{"resource": resource.json(), "scopeSpans": [scoped]}]})
}

/// A span before it has identifiers.
struct Draft {
    name: &'static str,
    span: Span,
    attributes: Vec<(&'static str, Value)>,
    events: Vec<Value>,
    /// The events that were too many.
    events_dropped: usize,
    is_error: bool,
}

impl Draft {
    fn new(name: &'static str, span: Span) -> Self {
        Self { name, span, attributes: Vec::new(), events: Vec::new(), events_dropped: 0, is_error: false }
    }
}

/// Gathers the spans of a record.
struct Spans<'a> {
    record: &'a Record,
    trial: Option<u16>,
    ids: Ids,
    all: Vec<Value>,
    dropped: usize,
}

impl Spans<'_> {
    /// Adds a span below `parent`, and returns its identifier.
    fn add(&mut self, draft: Draft, parent: Option<u64>) -> u64 {
        let id = self.ids.of(self.all.len() + self.dropped);
        if self.all.len() >= MAX_SPANS {
            self.dropped += 1;
            return id;
        }
        let date = |at: Offset| nanos(self.record.about.anchor.date_at(at));
        let mut span = json!({
            "traceId": format!("{:032x}", self.ids.trace),
            "spanId": format!("{id:016x}"),
            "name": draft.name,
            "kind": INTERNAL,
            "startTimeUnixNano": date(draft.span.from),
            "endTimeUnixNano": date(draft.span.to),
            "attributes": attributes(draft.attributes),
            "events": draft.events,
            "droppedEventsCount": draft.events_dropped,
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        if draft.is_error {
            span["status"] = json!({"code": ERROR});
        }
        self.all.push(span);
        id
    }

    /// The attributes that say which run it is.
    fn of_run(&self) -> Vec<(&'static str, Value)> {
        let trial = self.trial.map(|number| ("lapse.trial", number.into()));
        [("run", text(&self.record.about.name))].into_iter().chain(trial).collect()
    }

    fn add_run(&mut self) {
        let (record, parent) = (self.record, self.ids.parent);
        let conclusion = record.summary.verdict.conclusion;
        let mut run = Draft::new("lapse run", record.whole());
        run.attributes = self.of_run();
        run.attributes.push(("lapse.verdict", text(&conclusion.to_string())));
        run.attributes.push(("lapse.exit_code", conclusion.exit_code().into()));
        run.is_error = conclusion != Conclusion::Pass;
        let root = self.add(run, parent);
        for (phase, span) in record.seen.phases.spans(record.seen.end) {
            let mut draft = Draft::new("phase", span);
            draft.attributes = vec![("lapse.phase", text(&phase.to_string()))];
            self.add(draft, Some(root));
        }
        if let Some((command, started)) = record.command.as_ref().and_then(|it| Some((it, it.started?))) {
            let ended = command.exit.as_ref().map_or(record.seen.end, |exit| exit.at);
            let mut draft = Draft::new("command", Span::new(started, ended.max(started)));
            // Arguments may hold what is secret.
            let program = command.argv.first().map(|word| ("process.executable.name", text(word)));
            let code = command.exit.as_ref().and_then(|exit| exit.code).map(|code| ("process.exit.code", code.into()));
            draft.attributes = program.into_iter().chain(code).collect();
            draft.is_error = command.failed();
            self.add(draft, Some(root));
        }
        for target in &record.summary.targets {
            for disruption in &target.disruptions {
                self.add_disruption(target, disruption, root);
            }
        }
        // A reader of the trace has to know that it is not whole.
        if let (Some(root), dropped @ 1..) = (self.all.first_mut(), self.dropped) {
            root["attributes"].as_array_mut().into_iter().for_each(|all| {
                all.extend(attributes(vec![("lapse.spans_dropped", dropped.into())]));
            });
        }
    }

    /// Adds a disruption of a target, and below it what its lanes had of it.
    fn add_disruption(&mut self, target: &TargetSummary, disruption: &Disruption, root: u64) {
        if self.all.len() >= MAX_SPANS {
            self.dropped += 1;
            return;
        }
        let mut draft = self.draft(target, &target.lanes, disruption);
        (draft.events, draft.events_dropped) = self.events_near(draft.span);
        let id = self.add(draft, Some(root));
        let parts: Vec<(LaneId, &Disruption)> = target
            .lanes
            .iter()
            .flat_map(|lane| self.record.seen.lane(*lane).disruptions.iter().map(|one| (*lane, one)))
            .filter(|(_, one)| one.from >= disruption.from && one.to <= disruption.to)
            .collect();
        for (lane, one) in parts {
            let mut part = self.draft(target, &[lane], one);
            part.attributes.push(("lane", text(&self.record.seen.lane(lane).lane.policy.to_string())));
            self.add(part, Some(id));
        }
    }

    fn draft(&self, target: &TargetSummary, lanes: &[LaneId], disruption: &Disruption) -> Draft {
        let (length, record) = (disruption.length(), self.record);
        let mut draft = Draft::new("disruption", Span::new(disruption.from, disruption.from + length.estimate));
        let mut classes: Vec<_> = lanes
            .iter()
            .flat_map(|lane| disruption.classes_of(&record.seen.lane(*lane).timeline))
            .map(|(class, count)| (std::cmp::Reverse(count), class))
            .collect();
        classes.sort_unstable();
        let seconds = |time: Duration| time.as_secs_f64().into();
        draft.attributes = self.of_run();
        draft.attributes.extend([
            ("target", text(&target.name)),
            ("lapse.failed", disruption.failed.into()),
            ("lapse.resolved", disruption.resolved.into()),
            ("lapse.lost", disruption.lost.estimate.into()),
            ("lapse.duration.lower", seconds(length.at_least)),
            ("lapse.duration.estimate", seconds(length.estimate)),
            ("lapse.duration.bounds", text(disruption.certainty.name())),
        ]);
        draft.attributes.extend(length.at_most.map(|at_most| ("lapse.duration.upper", seconds(at_most))));
        draft.attributes.extend(classes.first().map(|(_, class)| ("error.type", text(&class.to_string()))));
        draft.is_error = true;
        draft
    }

    /// The events of pods and endpoints that may have to do with a disruption, and the number of those beyond the limit:
    /// the newest are kept.
    fn events_near(&self, span: Span) -> (Vec<Value>, usize) {
        let from = span.from.back(LAG);
        let near: Vec<_> = self.record.events.iter().filter(|event| is_of_a_pod(event)).collect();
        let near: Vec<_> = near.into_iter().filter(|event| from <= event.at && event.at <= span.to).collect();
        let dropped = near.len().saturating_sub(MAX_EVENTS);
        let event = |event: &&Event| {
            let mut all = vec![("event.text", text(&event.text)), ("lapse.source", text(event.source.name()))];
            if let Some(object) = &event.object {
                let key = if object.is_pod() { "k8s.pod.name" } else { "lapse.object" };
                all.push((key, text(&object.name)));
            }
            let date = nanos(self.record.about.anchor.date_at(event.at));
            json!({"timeUnixNano": date, "name": sanitize(event.kind.name()), "attributes": attributes(all)})
        };
        (near.iter().skip(dropped).map(event).collect(), dropped)
    }
}

fn is_of_a_pod(event: &Event) -> bool {
    event.object.as_ref().is_some_and(|object| object.is_pod() || object.kind == ObjectKind::Endpoints)
}

fn text(text: &str) -> Value {
    sanitize(text).into()
}

/// Attributes as OTLP has them: with the type of each value, integers as texts.
fn attributes(all: Vec<(&'static str, Value)>) -> Vec<Value> {
    let typed = |value: Value| match value {
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    };
    all.into_iter().map(|(key, value)| json!({"key": key, "value": typed(value)})).collect()
}
