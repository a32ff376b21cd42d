//! A pod template as a scenario writes it: how the pod starts, serves and ends.

use serde::{Deserialize, Serialize};

use super::write;
use crate::duration_range::DurationRange;

/// A pod template.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSpec {
    /// The time from the pod's creation until its process runs.
    pub schedule: DurationRange,
    /// The time from there until the process listens.
    pub boot: DurationRange,
    /// The time from there until the process can serve; meanwhile it answers 503.
    #[serde(skip_serializing_if = "DurationRange::is_nothing")]
    pub init: DurationRange,
    /// The time that an answer takes.
    pub work: DurationRange,
    /// Slower answers after the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// A share of requests that take longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_requests: Option<LongRequests>,
    /// The share of requests that is answered with 500, from 0 to 1.
    #[serde(skip_serializing_if = "write::is_zero")]
    pub errors: f64,
    /// The number of requests worked on at once; more wait. `None` is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// The readiness probe.
    pub readiness: Readiness,
    /// The liveness probe, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Liveness>,
    /// The time that the preStop hook sleeps.
    pub pre_stop: DurationRange,
    /// The response of the process to SIGTERM.
    pub on_sigterm: OnSigterm,
    /// The time from deletion to SIGKILL (`terminationGracePeriodSeconds`).
    pub grace: DurationRange,
    /// The time from the end of the process until the pod and its network are gone; meanwhile its address refuses.
    pub teardown: DurationRange,
    /// The behaviour of the pod's address once its network is gone.
    pub afterwards: Afterwards,
}

/// Slower answers after the start, with a linear decrease to none.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarmUp {
    /// The duration of the warm-up.
    pub lasts: DurationRange,
    /// The extra time of the first answer.
    pub adds: DurationRange,
}

/// Requests that take longer than others.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LongRequests {
    /// The share of these requests, from 0 to 1.
    pub share: f64,
    /// The time that each of them takes.
    pub work: DurationRange,
}

/// A readiness probe: its timing, and whether a passed probe means that the pod serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Readiness {
    /// The meaning of a passed probe: whether the pod then serves.
    pub probe: Honesty,
    /// The time from the start of the process to the first check.
    #[serde(skip_serializing_if = "DurationRange::is_nothing")]
    pub initial_delay: DurationRange,
    /// The time between two checks.
    pub period: DurationRange,
    /// The number of consecutive failures that make the pod unready.
    pub failures: u32,
}

/// The meaning of a passed readiness probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Honesty {
    /// The pod serves.
    Honest,
    /// The pod listens, and may not serve yet.
    Lying,
    /// There is no probe: the pod counts as ready as soon as its process runs.
    Missing,
}

/// The timing of a liveness probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Liveness {
    /// The time from the start of the process to the first check.
    pub initial_delay: DurationRange,
    /// The time between two checks.
    pub period: DurationRange,
    /// The number of consecutive failures that restart the process.
    pub failures: u32,
}

/// The response of a process to SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnSigterm {
    /// The process exits at once and drops all its connections.
    Exit,
    /// The process stops listening, closes idle connections, finishes its requests, and exits.
    Finish,
    /// The process stops listening, asks each client to reconnect (`Connection: close`, GOAWAY), and exits once all
    /// have gone.
    Drain,
    /// The process serves on until SIGKILL.
    Ignore,
}

/// The behaviour of the address of a pod whose network is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Afterwards {
    /// The address refuses connections.
    Refuses,
    /// The address drops packets, so that connections time out.
    Swallows,
}

impl Default for PodSpec {
    fn default() -> Self {
        Self {
            schedule: DurationRange::millis(50),
            boot: DurationRange::millis(150),
            init: DurationRange::ZERO,
            work: DurationRange::millis(2),
            warm_up: None,
            long_requests: None,
            errors: 0.0,
            capacity: None,
            readiness: Readiness::default(),
            liveness: None,
            pre_stop: DurationRange::ZERO,
            on_sigterm: OnSigterm::Exit,
            grace: DurationRange::millis(5_000),
            teardown: DurationRange::millis(150),
            afterwards: Afterwards::Swallows,
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self {
            probe: Honesty::Honest,
            initial_delay: DurationRange::ZERO,
            period: DurationRange::millis(100),
            failures: 3,
        }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self { initial_delay: DurationRange::ZERO, period: DurationRange::millis(100), failures: 3 }
    }
}
