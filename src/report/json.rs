//! `report.json`: what other programs may rely on.
//!
//! Its types are apart from the core's, so that the core can change without breaking anybody's program.
//! Times are nanoseconds, counts are integers, shares lie between 0 and 1. `schema/report.v1.json` is
//! generated from these types.

mod lane;
mod run;
mod target;
mod value;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use self::run::{Run, Verdict};
use self::target::Target;
use self::value::{Count, share};
use crate::measure::fold::Seen;
use crate::run::record::Record;

/// The name of this form of the report; it changes when a key changes its meaning or goes away.
const SCHEMA: &str = "lapse/report/v1";

/// The report of one run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "lapse report, version 1")]
struct Report {
    /// Always `lapse/report/v1`.
    schema: &'static str,
    /// The version of lapse that made the record.
    version: String,
    /// The run as a whole.
    run: Run,
    /// What was seen of each target.
    targets: Vec<Target>,
    /// Failed probes, one by one.
    failures: Failures,
    /// What else happened, in the order of time.
    events: Vec<Event>,
    /// Events that were not kept.
    events_dropped: u64,
    /// The instrument watching itself.
    instrument: Instrument,
    /// What it all comes to.
    verdict: Verdict,
    /// What a reader should know that is no reason to doubt the verdict.
    notes: Vec<String>,
}

/// The failed probes that were kept.
#[derive(Debug, Serialize, JsonSchema)]
struct Failures {
    /// In the order in which they resolved.
    kept: Vec<Failure>,
    /// How many were not kept; outages and totals count them all the same.
    dropped: u64,
}

/// One failed probe.
#[derive(Debug, Serialize, JsonSchema)]
struct Failure {
    target: String,
    /// The lane's name: `reused` or `new`.
    lane: String,
    slot: u64,
    due_ns: u64,
    sent_ns: u64,
    done_ns: u64,
    class: String,
    /// The prober's own clock ended it.
    timed_out: bool,
    /// The status code, if a head arrived.
    status: Option<u16>,
    /// `new` or `reused`.
    connection: String,
    /// How long the connection had been open.
    age_ns: u64,
    /// How many requests it had served before.
    uses: u32,
    /// The address reached, or tried.
    peer: Option<String>,
    local_port: Option<u16>,
    /// The `Server` header.
    server: Option<String>,
    /// At most the first 256 bytes of the body.
    body: Option<String>,
    /// What went wrong, in the words of the layer that noticed.
    detail: String,
}

/// Something that happened beside the probes.
#[derive(Debug, Serialize, JsonSchema)]
struct Event {
    /// When the prober saw it.
    at_ns: u64,
    /// `command`, `kubernetes`, `lab` or `prober`.
    source: &'static str,
    kind: String,
    text: String,
}

/// The instrument watching itself.
#[derive(Debug, Serialize, JsonSchema)]
struct Instrument {
    /// Control probes: to a responder in the prober's own process.
    control_probes: Count,
    /// The time in which they failed or were held up.
    held_up_ns: u64,
    /// The share of the run in which something on the machine waited for a processor; null if the kernel does not say.
    cpu_pressure: Option<f64>,
}

/// Writes the report.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &report(record))?;
    out.write_all(b"\n")
}

/// The JSON Schema of the report.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    // A schema is plain data: there is nothing in it that cannot be written.
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

fn report(record: &Record) -> Report {
    let mut events: Vec<_> = record.events.iter().collect();
    events.sort_by_key(|event| event.at);
    Report {
        schema: SCHEMA,
        version: record.about.version.clone(),
        run: Run::of(record),
        targets: (0..record.about.targets.len()).map(|place| Target::of(record, place)).collect(),
        failures: Failures {
            kept: record.failures.kept.iter().map(|failure| Failure::of(record, failure)).collect(),
            dropped: record.failures.dropped,
        },
        events: events.into_iter().map(Event::of).collect(),
        events_dropped: record.events_dropped,
        instrument: Instrument::of(&record.seen, record.end.and_then(|end| end.pressure)),
        verdict: Verdict::of(&record.verdict),
        notes: record.notes.clone(),
    }
}

impl Failure {
    fn of(record: &Record, failure: &crate::run::record::Failure) -> Self {
        let (probe, evidence) = (&failure.probe, &failure.evidence);
        let lane = record.lanes.get(failure.lane);
        let target = lane.and_then(|lane| record.about.targets.get(lane.target));
        Self {
            target: target.map(|target| target.name.clone()).unwrap_or_default(),
            lane: lane.map(|lane| lane.policy.to_string()).unwrap_or_default(),
            slot: probe.slot,
            due_ns: probe.due.as_nanos(),
            sent_ns: probe.sent.as_nanos(),
            done_ns: probe.done.as_nanos(),
            class: probe.class.to_string(),
            timed_out: probe.timed_out,
            status: evidence.status,
            connection: probe.connection.to_string(),
            age_ns: value::ns(evidence.age),
            uses: evidence.uses,
            peer: evidence.peer.map(|peer| peer.to_string()),
            local_port: evidence.local_port,
            server: evidence.server.clone(),
            body: evidence.body.clone(),
            detail: evidence.detail.clone(),
        }
    }
}

impl Event {
    fn of(event: &crate::events::event::Event) -> Self {
        Self {
            at_ns: event.at.as_nanos(),
            source: event.source.name(),
            kind: event.kind.clone(),
            text: event.text.clone(),
        }
    }
}

impl Instrument {
    fn of(seen: &Seen, pressure: Option<f64>) -> Self {
        Self {
            control_probes: seen.controls,
            held_up_ns: value::ns(seen.held_up.length()),
            cpu_pressure: pressure.and_then(share),
        }
    }
}

#[cfg(test)]
mod tests;
