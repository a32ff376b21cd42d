//! The progress of a Rollout of Argo Rollouts. Its controller says itself how far it has come, in a phase and a message:
//! which steps there are, and what they wait for, is not read.

use serde::Deserialize;
use serde_json::Value;

use super::meta::part;

/// The status of a Rollout, as far as it is read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ArgoStatus {
    /// The generation that the status describes, as text.
    observed_generation: String,
    pub(super) replicas: u64,
    pub(super) updated_replicas: u64,
    pub(super) available_replicas: u64,
    phase: String,
    message: String,
}

/// The phase in which the controller says that a Rollout is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArgoPhase {
    phase: Phase,
    /// The controller's reason, such as `CanaryPauseStep`; may be empty.
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Healthy,
    Paused,
    Degraded,
    /// On its way, or not yet said.
    Progressing,
}

impl ArgoStatus {
    /// Reads the status of a Rollout.
    pub(super) fn read(value: &Value) -> Result<Self, serde_json::Error> {
        part(value, "/status")
    }

    /// The generation that the status describes. Controllers before 0.10 have a hash in its place, of which nothing
    /// follows.
    pub(super) fn observed(&self) -> u64 {
        if self.observed_generation.is_empty() { 0 } else { self.observed_generation.parse().unwrap_or(u64::MAX) }
    }

    /// The phase of the Rollout.
    pub(super) fn phase(&self) -> ArgoPhase {
        let phase = match self.phase.as_str() {
            "Healthy" => Phase::Healthy,
            "Paused" => Phase::Paused,
            "Degraded" => Phase::Degraded,
            _ => Phase::Progressing,
        };
        ArgoPhase { phase, message: self.message.clone() }
    }
}

impl ArgoPhase {
    /// Whether the controller has given the new version up: aborted it, or waited for too long.
    pub(super) fn is_stuck(&self) -> bool {
        self.phase == Phase::Degraded
    }

    /// Why the controller is in this phase.
    pub(super) fn message(&self) -> &str {
        if self.message.is_empty() { "its controller gives no reason" } else { &self.message }
    }

    /// The part of the rollout that is still to come; `None` once it is complete.
    pub(super) fn missing(&self) -> Option<String> {
        let what = match self.phase {
            Phase::Healthy => return None,
            Phase::Paused => "is paused",
            Phase::Degraded => "has given up",
            Phase::Progressing => "is on its way",
        };
        Some(format!("{what}: {}", self.message()))
    }
}
