//! Pods that ended or answered, with the instants of their termination and the requests that reached them.

use schemars::JsonSchema;
use serde::Serialize;

use lapse_measure::time::{Offset, nanos};
use lapse_record::pods::{self, Attribution};

/// A pod that the cluster or a scenario's world reported, or that a response header named.
#[derive(Serialize, JsonSchema)]
pub(super) struct Pod<'a> {
    name: &'a str,
    /// IP address of the pod; null if it was not reported.
    address: Option<String>,
    /// When the deletion of the pod was seen; null if it was not.
    deleting_ns: Option<u64>,
    /// When the pod was seen to leave the endpoints of a service; null if it was not.
    left_endpoints_ns: Option<u64>,
    /// When the container was seen to have exited; null if it was not.
    exited_ns: Option<u64>,
    /// When the pod was seen to be gone; null if it was not.
    gone_ns: Option<u64>,
    /// Number of answers from the pod, by the header that names it (`--backend-header`).
    served: u64,
    /// When the last of these answers was complete; null if there was none.
    last_served_ns: Option<u64>,
    /// Number of kept failures that are attributed to the pod.
    failed: u64,
    /// When the last of these failed probes was sent; null if there was none.
    last_failed_ns: Option<u64>,
    /// Evidence for the attribution of failures: `header` (an answer named the pod), `address` (the probe went to the
    /// pod's own address) or `exclusion` (no other pod was terminating). The weakest one if they differ; null if no
    /// failure is attributed to the pod.
    laid_by: Option<&'static str>,
    /// Time from the deletion until the last request that is known to have reached the pod; null if there was none.
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
