//! A trace for <https://ui.perfetto.dev> in Chrome's JSON trace event format: phases, command and acts, the runs and
//! outages of each lane, why requests were lost, failed probes as asynchronous slices, and events as instants.
//!
//! Format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>. Timestamps are
//! microseconds with fractions, counted from offset zero.

use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::sanitize::sanitize;
use super::words::version;
use lapse_explain::explanation::{Explained, Explanation, Finding};
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage::Outage;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, UnixTime};
use lapse_measure::timeline::Run;
use lapse_measure::version::Versions;
use lapse_record::event::{Event, Source};
use lapse_record::failure::Failure;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Process id of the run's own tracks; those of the targets follow.
const RUN: usize = 1;
/// Runs of slots written for a lane; viewers do not cope with more.
const MAX_RUNS: usize = 200_000;

/// Writes the trace of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut events = Events { out: BufWriter::new(out), first: true };
    write!(events.out, "{{\"displayTimeUnit\": \"ms\", \"traceEvents\": [")?;
    write_run(record, &mut events)?;
    for lane in &record.seen.lanes {
        write_lane(record, lane, &mut events)?;
    }
    for (target, versions) in version::targets(record) {
        write_versions(target, versions, &mut events)?;
    }
    for case in &Explanation::of(record).cases {
        write_case(record, case, &mut events)?;
    }
    for (nth, failure) in record.failures.kept.iter().enumerate() {
        write_failure(record, nth, failure, &mut events)?;
    }
    for source in SOURCES.into_iter().filter(|source| record.events.iter().any(|event| event.source == *source)) {
        events.name(Track { pid: RUN, tid: thread(source) }, &record.about.name, source.name())?;
    }
    for event in &record.events {
        events.add(&instant(event))?;
    }
    writeln!(events.out, "\n]}}")?;
    events.out.flush()
}

/// The row of a viewer that shows a slice: a process and one of its threads.
#[derive(Clone, Copy)]
struct Track {
    pid: usize,
    tid: usize,
}

/// Writes the array of trace events, one per line.
struct Events<W: Write> {
    out: W,
    first: bool,
}

impl<W: Write> Events<W> {
    fn add(&mut self, event: &Value) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        Ok(serde_json::to_writer(&mut self.out, event)?)
    }

    fn name(&mut self, Track { pid, tid }: Track, process: &str, thread: &str) -> io::Result<()> {
        self.add(&json!({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": sanitize(process)}}))?;
        self.add(&json!({"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": sanitize(thread)}}))
    }

    fn slice(&mut self, Track { pid, tid }: Track, name: &str, span: Span, args: &Value) -> io::Result<()> {
        let (ts, dur) = (micros(span.from), micros(span.to) - micros(span.from));
        self.add(
            &json!({"ph": "X", "pid": pid, "tid": tid, "name": sanitize(name), "ts": ts, "dur": dur, "args": args}),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 2^52 nanoseconds, which is seven weeks")]
fn micros(at: Offset) -> f64 {
    at.as_nanos() as f64 / 1000.0
}

fn write_run(record: &Record, events: &mut Events<impl Write>) -> io::Result<()> {
    let track = |tid| Track { pid: RUN, tid };
    events.name(track(1), &record.about.name, "phases")?;
    for (phase, span) in record.seen.phases.spans(record.seen.end) {
        events.slice(track(1), &phase.to_string(), span, &json!({}))?;
    }
    if let Some((command, started)) = record.command.as_ref().and_then(|it| Some((it, it.started?))) {
        let ended = command.exit.as_ref().map_or(record.seen.end, |exit| exit.at);
        events.name(track(2), &record.about.name, "command")?;
        let code = command.exit.as_ref().and_then(|exit| exit.code);
        events.slice(track(2), &command.argv.join(" "), Span::new(started, ended), &json!({"exit_code": code}))?;
    }
    if !record.summary.acts.is_empty() {
        events.name(track(3), &record.about.name, "acts")?;
    }
    for act in &record.summary.acts {
        events.slice(track(3), &act.name, act.span, &json!({}))?;
    }
    Ok(())
}

/// The track with a lane's runs. The lane's outages are on the next thread.
fn track_of(lane: &LaneObservations) -> Track {
    Track { pid: RUN + 1 + lane.lane.target.0, tid: 2 * lane.id.0 + 1 }
}

fn write_lane(record: &Record, seen: &LaneObservations, events: &mut Events<impl Write>) -> io::Result<()> {
    let (runs, lane) = (track_of(seen), seen.lane);
    let outages = Track { tid: runs.tid + 1, ..runs };
    let target = &record.seen.target(lane.target).name;
    events.name(runs, target, &lane.policy.to_string())?;
    for Run { class, slot, count } in seen.timeline.runs().iter().take(MAX_RUNS) {
        let span = Span::new(lane.schedule.due(*slot), lane.schedule.due(slot.saturating_add(*count)));
        events.slice(runs, &class.to_string(), span, &json!({"slots": count}))?;
    }
    if !seen.outages.is_empty() {
        events.name(outages, target, &format!("{}: outages", lane.policy))?;
    }
    for outage in &seen.outages {
        let Outage { from, to, failed, .. } = outage;
        let args = json!({"lasted": outage.duration().to_string(), "failed": failed});
        // An outage lasts one period beyond its last slot, like the run of those slots.
        events.slice(outages, "outage", Span::new(*from, *to + lane.schedule.period()), &args)?;
    }
    Ok(())
}

/// The answers of each version over time, as a counter.
fn write_versions(target: &TargetSummary, versions: &Versions, events: &mut Events<impl Write>) -> io::Result<()> {
    for one in &versions.shares {
        let of_version = versions.all.iter().zip(&one.by_version);
        let counts: serde_json::Map<_, _> =
            of_version.map(|(version, count)| (sanitize(&version.name).into_owned(), json!(count))).collect();
        let pid = RUN + 1 + target.id.0;
        events.add(
            &json!({"ph": "C", "pid": pid, "name": "answers by version", "ts": micros(one.span.from), "args": counts}),
        )?;
    }
    Ok(())
}

/// A stretch that is explained, named for its first cause, on a track above the lanes of its target.
fn write_case(record: &Record, case: &Explained, events: &mut Events<impl Write>) -> io::Result<()> {
    let track = Track { pid: RUN + 1 + case.target.0, tid: 0 };
    events.name(track, &record.seen.target(case.target).name, "why")?;
    let named = |finding: &Finding| json!({"name": finding.cause.name, "score": finding.score});
    let causes: Vec<_> = case.findings.iter().map(named).collect();
    let name = case.findings.first().map_or("not explained", |first| first.cause.name);
    events.slice(track, name, case.span, &json!({"failed": case.failed, "slow": case.slow, "causes": causes}))
}

/// Writes a failed probe as an asynchronous slice from sent to done, since several probes may be in flight at once.
fn write_failure(record: &Record, nth: usize, failure: &Failure, events: &mut Events<impl Write>) -> io::Result<()> {
    let (probe, evidence) = (&failure.probe, &failure.evidence);
    let Track { pid, tid } = track_of(record.seen.lane(failure.lane));
    let identity = record.identity(failure.lane, probe.slot);
    let text = |text: &Option<String>| text.as_deref().map(|text| sanitize(text).into_owned());
    let args = json!({
        "due_us": micros(probe.due),
        "connection": probe.connection.to_string(),
        "status": evidence.status,
        "peer": evidence.peer.map(|peer| peer.to_string()),
        "local_port": evidence.local_port,
        "server": text(&evidence.server),
        "backend": text(&evidence.backend),
        "body": text(&evidence.body),
        "detail": sanitize(&evidence.detail),
        "uuid": identity.and_then(|identity| identity.uuid()),
        "traceparent": identity.and_then(|identity| identity.traceparent()),
    });
    let name = probe.class.to_string();
    let end = |phase: &str, at: Offset, args: Value| json!({"ph": phase, "cat": "probe", "id": nth, "pid": pid, "tid": tid, "name": name, "ts": micros(at), "args": args});
    events.add(&end("b", probe.sent, args))?;
    events.add(&end("e", probe.done, json!({})))
}

const SOURCES: [Source; 5] = [Source::Command, Source::Kubernetes, Source::Lab, Source::Prober, Source::Caller];

/// Thread id of the track with the events of a source.
const fn thread(source: Source) -> usize {
    match source {
        Source::Command => 11,
        Source::Kubernetes => 12,
        Source::Lab => 13,
        Source::Prober => 14,
        Source::Caller => 15,
    }
}

fn instant(event: &Event) -> Value {
    let tid = thread(event.source);
    let args = json!({
        "text": sanitize(&event.text),
        "object": event.object.as_ref().map(|object| sanitize(&object.to_string()).into_owned()),
        "told_unix_ns": event.source_time.map(UnixTime::as_nanos),
    });
    json!({"ph": "i", "s": "p", "pid": RUN, "tid": tid, "cat": event.source.name(), "name": sanitize(event.kind.name()), "ts": micros(event.at), "args": args})
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{hostile, nasty};

    fn events(record: &Record) -> Vec<Value> {
        let mut out = Vec::new();
        write(record, &mut out).unwrap();
        let trace: Value = serde_json::from_slice(&out).unwrap();
        trace["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn each_stretch_that_is_explained_is_a_slice_named_for_its_first_cause() {
        let record = nasty();
        let explanation = Explanation::of(&record);
        let first: Vec<_> = explanation
            .cases
            .iter()
            .map(|case| case.findings.first().map_or("not explained", |one| one.cause.name))
            .collect();
        assert!(first.contains(&"sandbox-gone"), "{first:?}");
        let slices = events(&record).into_iter().filter(|event| event["ph"] == "X" && event["tid"] == 0);
        assert_eq!(slices.map(|slice| slice["name"].clone()).collect::<Vec<_>>(), first);
    }

    #[test]
    fn async_slices_end_and_slices_of_a_track_do_not_overlap() {
        for record in [nasty(), hostile()] {
            let events = events(&record);
            let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).collect::<Vec<_>>();
            assert_eq!(of("b").len(), record.failures.kept.len());
            assert_eq!(
                of("b").iter().map(|begin| &begin["id"]).collect::<Vec<_>>(),
                of("e").iter().map(|end| &end["id"]).collect::<Vec<_>>()
            );
            let mut ends = std::collections::BTreeMap::new();
            for slice in of("X") {
                let (from, length) = (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap());
                let end = ends.entry((slice["pid"].as_u64(), slice["tid"].as_u64())).or_insert(0.0);
                assert!(length >= 0.0 && from >= *end - 0.001, "{slice} begins before {end}");
                *end = from + length;
            }
        }
    }
}
