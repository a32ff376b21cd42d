//! The evidence of a failed probe, encoded as JSON within a batch of the journal.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use lapse_measure::answer::Evidence;
use lapse_measure::time::nanos;

#[derive(Serialize, Deserialize)]
struct EvidenceWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    age_ns: u64,
    uses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_ns: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    no_close_notify: bool,
    detail: String,
}

/// Encodes the evidence as JSON.
pub(super) fn write(evidence: &Evidence) -> io::Result<Vec<u8>> {
    let wire = EvidenceWire {
        status: evidence.status,
        peer: evidence.peer,
        local_port: evidence.local_port,
        backend: evidence.backend.clone(),
        server: evidence.server.clone(),
        body: evidence.body.clone(),
        age_ns: nanos(evidence.age),
        uses: evidence.uses,
        idle_ns: evidence.idle.map(nanos),
        no_close_notify: evidence.no_close_notify,
        detail: evidence.detail.clone(),
    };
    Ok(serde_json::to_vec(&wire)?)
}

/// Decodes evidence from JSON; the error says where it is invalid.
pub(super) fn read(bytes: &[u8]) -> Result<Evidence, String> {
    let wire: EvidenceWire = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(Evidence {
        status: wire.status,
        peer: wire.peer,
        local_port: wire.local_port,
        backend: wire.backend,
        server: wire.server,
        body: wire.body,
        age: Duration::from_nanos(wire.age_ns),
        uses: wire.uses,
        idle: wire.idle_ns.map(Duration::from_nanos),
        no_close_notify: wire.no_close_notify,
        detail: wire.detail,
    })
}
