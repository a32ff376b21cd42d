//! Failed probes, one by one, with the evidence of each.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::answer::Class;
use lapse_measure::time::nanos;
use lapse_record::failure;
use lapse_record::record::Record;

/// Failed probes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Failures<'a> {
    /// In the order in which they resolved.
    kept: Vec<Failure<'a>>,
    /// How many were not kept; outages and totals count them all the same.
    dropped: u64,
}

impl<'a> Failures<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let kept = record.failures.kept.iter().map(|failure| Failure::of(record, failure));
        Self { kept: kept.collect(), dropped: record.failures.dropped }
    }
}

/// A failed probe.
#[derive(Serialize, JsonSchema)]
struct Failure<'a> {
    target: &'a str,
    lane: String,
    /// The slot's number in its lane.
    slot: u64,
    due_ns: u64,
    /// Just before the first byte of the attempt.
    sent_ns: u64,
    /// When the answer was complete, or given up.
    done_ns: u64,
    class: String,
    /// The prober's own clock ended it.
    timed_out: bool,
    /// The status code, if a head arrived.
    status: Option<u16>,
    /// `new` or `reused`.
    connection: String,
    /// For how long the connection had been open.
    age_ns: u64,
    /// How many requests the connection had served before.
    uses: u32,
    /// Whom the probe reached, or tried to reach.
    peer: Option<String>,
    /// The prober's own port, to find the probe in a packet capture.
    local_port: Option<u16>,
    /// The `Server` header.
    server: Option<&'a str>,
    /// The pod that answered, or that had answered before on the same connection, by the header that names it.
    backend: Option<&'a str>,
    /// The beginning of the body.
    body: Option<&'a str>,
    /// What went wrong, in the words of the layer that noticed.
    detail: &'a str,
}

impl<'a> Failure<'a> {
    fn of(record: &'a Record, failure: &'a failure::Failure) -> Self {
        let (probe, evidence) = (&failure.probe, &failure.evidence);
        let lane = record.seen.lane(failure.lane).lane;
        Self {
            target: &record.seen.target(lane.target).name,
            lane: lane.policy.to_string(),
            slot: probe.slot,
            due_ns: probe.due.as_nanos(),
            sent_ns: probe.sent.as_nanos(),
            done_ns: probe.done.as_nanos(),
            class: probe.class.to_string(),
            timed_out: probe.timed_out,
            status: evidence.status.or(status_of(probe.class)),
            connection: probe.connection.to_string(),
            age_ns: nanos(evidence.age),
            uses: evidence.uses,
            peer: evidence.peer.map(|peer| peer.to_string()),
            local_port: evidence.local_port,
            backend: evidence.backend.as_deref(),
            server: evidence.server.as_deref(),
            body: evidence.body.as_deref(),
            detail: &evidence.detail,
        }
    }
}

const fn status_of(class: Class) -> Option<u16> {
    match class {
        Class::Status(code) => Some(code),
        _ => None,
    }
}
