//! What stands between a client and the pods, as a scenario writes it.

use serde::Deserialize;

use crate::lab::span::Span;

/// One thing in front of the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HopSpec {
    /// Layer 4, what kube-proxy does.
    Service(ServiceSpec),
}

impl HopSpec {
    /// The word for it in events and vantages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Service(_) => "service",
        }
    }
}

/// New connections go to a random pod of a list that is late; established ones stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceSpec {
    /// How late the list is.
    pub lag: Span,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        Self { lag: Span::millis(200) }
    }
}
