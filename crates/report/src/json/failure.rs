//! The failed probes that were kept, each with its evidence.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::answer::Class;
use lapse_measure::time::nanos;
use lapse_record::failure;
use lapse_record::record::Record;

/// The failed probes that were kept, and the number of the others.
#[derive(Serialize, JsonSchema)]
pub(super) struct Failures<'a> {
    /// The kept failures, in the order in which they resolved.
    kept: Vec<Failure<'a>>,
    /// Number of failures that were not kept. Outages and totals include them.
    dropped: u64,
}

impl<'a> Failures<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let kept = record.failures.kept.iter().map(|failure| Failure::of(record, failure));
        Self { kept: kept.collect(), dropped: record.failures.dropped }
    }
}

/// A failed probe with its evidence.
#[derive(Serialize, JsonSchema)]
struct Failure<'a> {
    /// Name of the target.
    target: &'a str,
    /// Connection policy of the lane: `new` or `reused`.
    lane: String,
    /// Number of the slot in its lane, from 0.
    slot: u64,
    /// When the probe was scheduled to be sent.
    due_ns: u64,
    /// Just before the first byte of the request, or before connect on a new connection.
    sent_ns: u64,
    /// When the failure was seen.
    done_ns: u64,
    /// Class of the failure: `refused`, `status 503`.
    class: String,
    /// True if the probe ran into the prober's own timeout.
    timed_out: bool,
    /// Status code; null if no complete response head arrived.
    status: Option<u16>,
    /// Connection that the probe used: `new` or `reused`.
    connection: String,
    /// Time for which the connection had been open.
    age_ns: u64,
    /// Number of earlier requests on the connection.
    uses: u32,
    /// Time for which the connection had been idle; null if it was opened for this probe, or if another request was
    /// under way on it.
    idle_ns: Option<u64>,
    /// Address and port that the probe reached or tried to reach; null if there was none.
    peer: Option<String>,
    /// Local port of the probe, to find it in a packet capture.
    local_port: Option<u16>,
    /// `Server` header of the response; null if there was none.
    server: Option<&'a str>,
    /// Pod that answered this probe or an earlier one on the same connection, by the header that names it
    /// (`--backend-header`); null if none did.
    backend: Option<&'a str>,
    /// Beginning of the response body; null if there was none.
    body: Option<&'a str>,
    /// Error message of the layer that failed.
    detail: &'a str,
    /// UUID that the request carried in the place of `{uuid}`; null if it carried none.
    uuid: Option<String>,
    /// `traceparent` header of the request (`--traceparent`); null if it had none.
    traceparent: Option<String>,
}

impl<'a> Failure<'a> {
    fn of(record: &'a Record, failure: &'a failure::Failure) -> Self {
        let (probe, evidence) = (&failure.probe, &failure.evidence);
        let lane = record.seen.lane(failure.lane).lane;
        let identity = record.identity(failure.lane, probe.slot);
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
            idle_ns: evidence.idle.map(nanos),
            peer: evidence.peer.map(|peer| peer.to_string()),
            local_port: evidence.local_port,
            backend: evidence.backend.as_deref(),
            server: evidence.server.as_deref(),
            body: evidence.body.as_deref(),
            detail: &evidence.detail,
            uuid: identity.and_then(|identity| identity.uuid()),
            traceparent: identity.and_then(|identity| identity.traceparent()),
        }
    }
}

const fn status_of(class: Class) -> Option<u16> {
    match class {
        Class::Status(code) => Some(code),
        _ => None,
    }
}
