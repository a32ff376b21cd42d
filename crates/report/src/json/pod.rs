//! The pods that ended or answered.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::time::{Offset, nanos};
use lapse_record::pods::{self, Attribution};

/// A pod, as far as the cluster (or a scenario's world) told of it, or a header named it.
#[derive(Serialize, JsonSchema)]
pub(super) struct Pod<'a> {
    name: &'a str,
    /// Its own address; null where the cluster did not tell it.
    address: Option<String>,
    /// When its deletion was seen; null if it was not.
    deleting_ns: Option<u64>,
    /// When it was seen to leave the endpoints of a service.
    left_endpoints_ns: Option<u64>,
    /// When its container was seen to have exited.
    exited_ns: Option<u64>,
    /// When it was seen to be gone.
    gone_ns: Option<u64>,
    /// Answers that it gave, by the header that names it (`--backend-header`).
    served: u64,
    /// When the last of these was complete.
    last_served_ns: Option<u64>,
    /// Kept failures that are laid to it.
    failed: u64,
    /// When the last of these was sent.
    last_failed_ns: Option<u64>,
    /// How, the weakest way if there were several: `header` (an answer named it), `address` (the probe went to the pod's own), or
    /// `exclusion` (no other pod was on its way out); null where none is laid to it.
    laid_by: Option<&'static str>,
    /// For how long after its deletion was seen requests still arrived at it; null where none is known to have.
    still_used_ns: Option<u64>,
}

impl<'a> Pod<'a> {
    pub(super) fn of(pod: &'a pods::Pod) -> Self {
        let at = |offset: Option<Offset>| offset.map(Offset::as_nanos);
        Self {
            name: &pod.name,
            address: pod.address.map(|address| address.to_string()),
            deleting_ns: at(pod.deleting),
            left_endpoints_ns: at(pod.left),
            exited_ns: at(pod.exited),
            gone_ns: at(pod.gone),
            served: pod.served,
            last_served_ns: at(pod.last_served),
            failed: pod.failed,
            last_failed_ns: at(pod.last_failed),
            laid_by: pod.attributed_by.map(|way| match way {
                Attribution::Header => "header",
                Attribution::Address => "address",
                Attribution::Exclusion => "exclusion",
            }),
            still_used_ns: pod.still_used().map(nanos),
        }
    }
}
