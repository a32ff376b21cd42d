//! A pod template as a scenario writes it: how the pod starts, serves and ends.

use serde::Deserialize;

use super::{at_least_one, some_time};
use crate::duration_range::Span;

/// How a pod starts, serves and ends.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSpec {
    /// From the pod's creation until its process runs.
    pub schedule: Span,
    /// From there until it listens.
    pub boot: Span,
    /// From there until it can serve; until then it answers 503.
    pub init: Span,
    /// The time that an answer takes.
    pub work: Span,
    /// Answers are slower at first.
    pub warm_up: Option<WarmUp>,
    /// A share of the requests takes long.
    pub long_requests: Option<LongRequests>,
    /// The share of requests that is answered with 500, from 0 to 1.
    pub errors: f64,
    /// How many requests it works on at once; more wait.
    pub capacity: Option<u32>,
    /// The readiness probe.
    pub readiness: Readiness,
    /// The liveness probe, if it has one.
    pub liveness: Option<Liveness>,
    /// How long its preStop hook sleeps.
    pub pre_stop: Span,
    /// What its process does on SIGTERM.
    pub on_sigterm: OnSigterm,
    /// How long it may take to end before it is killed (`terminationGracePeriodSeconds`).
    pub grace: Span,
    /// From the end of its process until it is gone, and its network with it; meanwhile its address refuses.
    pub teardown: Span,
    /// What becomes of its address then.
    pub afterwards: Afterwards,
}

/// Slower answers after the start, less so as time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarmUp {
    /// How long it lasts.
    pub lasts: Span,
    /// What it adds to the first answer.
    pub adds: Span,
}

/// Requests that take long.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LongRequests {
    /// Their share, from 0 to 1.
    pub share: f64,
    /// The time that each takes.
    pub work: Span,
}

/// A readiness probe: how often it asks, and how truly it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Readiness {
    /// What it can be trusted to say.
    pub probe: Honesty,
    /// From the start of the process until the first question.
    pub initial_delay: Span,
    /// From one question to the next.
    pub period: Span,
    /// So many bad answers in a row take the pod out.
    pub failures: u32,
}

/// What a readiness probe can be trusted to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Honesty {
    /// Ready means that it serves.
    Honest,
    /// Ready means that it listens.
    Lying,
    /// There is no probe: a pod counts as ready as soon as its process runs.
    Missing,
}

/// A liveness probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Liveness {
    /// From the start of the process until the first question.
    pub initial_delay: Span,
    /// From one question to the next.
    pub period: Span,
    /// So many bad answers in a row restart the process.
    pub failures: u32,
}

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnSigterm {
    /// It exits at once, and all its connections with it.
    Exit,
    /// It stops listening, closes idle connections, finishes what it has begun, and exits.
    Finish,
    /// It stops listening, asks each client to reconnect (`Connection: close`, GOAWAY), and exits when all have gone.
    Drain,
    /// Nothing: it is deaf, and serves until it is killed.
    Ignore,
}

/// What becomes of the address of a pod that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Afterwards {
    /// Connections are refused.
    Refuses,
    /// Packets vanish: connections time out.
    Swallows,
}

impl Default for PodSpec {
    fn default() -> Self {
        Self {
            schedule: Span::millis(50),
            boot: Span::millis(150),
            init: Span::ZERO,
            work: Span::millis(2),
            warm_up: None,
            long_requests: None,
            errors: 0.0,
            capacity: None,
            readiness: Readiness::default(),
            liveness: None,
            pre_stop: Span::ZERO,
            on_sigterm: OnSigterm::Exit,
            grace: Span::millis(5_000),
            teardown: Span::millis(150),
            afterwards: Afterwards::Swallows,
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self { probe: Honesty::Honest, initial_delay: Span::ZERO, period: Span::millis(100), failures: 3 }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self { initial_delay: Span::ZERO, period: Span::millis(100), failures: 3 }
    }
}

impl PodSpec {
    /// Whether such a pod can be.
    pub(super) fn check(&self) -> Result<(), String> {
        let share = |key: &str, share: f64| {
            if (0.0..=1.0).contains(&share) {
                Ok(())
            } else {
                Err(format!("`{key}` is {share}: write a share from 0 to 1"))
            }
        };
        share("errors", self.errors)?;
        share("longRequests.share", self.long_requests.map_or(0.0, |long| long.share))?;
        let liveness = self.liveness.unwrap_or_default();
        some_time("readiness.period", self.readiness.period)?;
        some_time("liveness.period", liveness.period)?;
        at_least_one("readiness.failures", self.readiness.failures)?;
        at_least_one("liveness.failures", liveness.failures)?;
        at_least_one("capacity", self.capacity.unwrap_or(1))
    }
}
