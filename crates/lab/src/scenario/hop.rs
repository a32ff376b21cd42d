//! What stands between a client and the pods, as a scenario writes it.

use serde::Deserialize;

use super::{at_least_one, some_time};
use crate::duration_range::Span;

/// One thing in front of the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HopSpec {
    /// Layer 4, what kube-proxy does.
    Service(ServiceSpec),
    /// Layer 7, what ingress-nginx does.
    Ingress(IngressSpec),
    /// Layer 7, what a cloud's load balancer does whose targets are pods.
    Elb(ElbSpec),
}

impl HopSpec {
    /// The word for it in events and vantages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Service(_) => "service",
            Self::Ingress(_) => "ingress",
            Self::Elb(_) => "elb",
        }
    }

    /// Whether there can be such a one.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Service(_) => Ok(()),
            Self::Ingress(ingress) => at_least_one("ingress.tries", ingress.tries),
            Self::Elb(elb) => {
                some_time("elb.healthCheck.period", elb.health_check.period)?;
                at_least_one("elb.healthCheck.healthy", elb.health_check.healthy)?;
                at_least_one("elb.healthCheck.unhealthy", elb.health_check.unhealthy)
            }
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

/// Each request goes to the next pod of a list, and to another one if that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IngressSpec {
    /// How late the list is.
    pub lag: Span,
    /// The least time between two changes of the list: what comes in between is held back.
    pub hold: Span,
    /// How many pods it tries for one request.
    pub tries: u32,
    /// How long it waits for a connection to a pod.
    pub connect_timeout: Span,
    /// How long it waits for an answer.
    pub answer_timeout: Span,
    /// When it reloads.
    pub reloads: Reloads,
}

/// When an ingress reloads, and so closes the connections that are idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reloads {
    /// Not for a change of its list.
    Never,
    /// Whenever its list has changed.
    OnChange,
}

/// Each request goes to the next target that passes the health check; nothing is tried twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ElbSpec {
    /// How long it takes until a pod is registered or deregistered.
    pub lag: Span,
    /// How it finds out which targets are healthy.
    pub health_check: HealthCheck,
    /// How long it waits for a connection to a pod.
    pub connect_timeout: Span,
    /// How long it waits for an answer.
    pub answer_timeout: Span,
}

/// How a load balancer finds out which targets are healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HealthCheck {
    /// From one check to the next.
    pub period: Span,
    /// So many good answers in a row make a target healthy.
    pub healthy: u32,
    /// So many bad answers in a row make it unhealthy.
    pub unhealthy: u32,
}

impl Default for IngressSpec {
    fn default() -> Self {
        Self {
            lag: Span::millis(50),
            hold: Span::ZERO,
            tries: 3,
            connect_timeout: Span::millis(5_000),
            answer_timeout: Span::millis(60_000),
            reloads: Reloads::Never,
        }
    }
}

impl Default for ElbSpec {
    fn default() -> Self {
        Self {
            lag: Span::millis(1_000),
            health_check: HealthCheck::default(),
            connect_timeout: Span::millis(10_000),
            answer_timeout: Span::millis(60_000),
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { period: Span::millis(500), healthy: 2, unhealthy: 2 }
    }
}
