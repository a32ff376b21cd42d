//! The hops between clients and pods, as a scenario writes them.

use serde::{Deserialize, Serialize};

use crate::duration_range::DurationRange;

/// A hop in front of the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HopSpec {
    /// A layer 4 hop like kube-proxy.
    Service(ServiceSpec),
    /// A layer 7 hop like ingress-nginx.
    Ingress(IngressSpec),
    /// A layer 7 hop like a cloud load balancer with pods as targets.
    Elb(ElbSpec),
}

impl HopSpec {
    /// The hop's name in events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Service(_) => "service",
            Self::Ingress(_) => "ingress",
            Self::Elb(_) => "elb",
        }
    }
}

/// Routes each new connection to a random pod of a delayed list; established connections stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceSpec {
    /// The delay of the list.
    pub lag: DurationRange,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        Self { lag: DurationRange::millis(200) }
    }
}

/// Routes each request to the next pod of a delayed list, and retries on another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IngressSpec {
    /// The delay of the list.
    pub lag: DurationRange,
    /// The minimum time between two updates of the list; changes in between are held back.
    #[serde(skip_serializing_if = "DurationRange::is_nothing")]
    pub hold: DurationRange,
    /// The number of pods tried for one request.
    pub tries: u32,
    /// The timeout for a connection to a pod.
    pub connect_timeout: DurationRange,
    /// The timeout for an answer of a pod.
    pub answer_timeout: DurationRange,
    /// When the ingress reloads.
    pub reloads: Reloads,
}

/// When an ingress reloads, which closes its idle connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reloads {
    /// The ingress does not reload for a change of its list.
    Never,
    /// The ingress reloads after each change of its list.
    OnChange,
}

/// Routes each request to the next target that passes the health check, without retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ElbSpec {
    /// The time to register or deregister a pod.
    pub lag: DurationRange,
    /// The health check of targets.
    pub health_check: HealthCheck,
    /// The timeout for a connection to a pod.
    pub connect_timeout: DurationRange,
    /// The timeout for an answer of a pod.
    pub answer_timeout: DurationRange,
}

/// A load balancer's health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HealthCheck {
    /// The time between two checks.
    pub period: DurationRange,
    /// The number of consecutive successes that make a target healthy.
    pub healthy: u32,
    /// The number of consecutive failures that make a target unhealthy.
    pub unhealthy: u32,
}

impl Default for IngressSpec {
    fn default() -> Self {
        Self {
            lag: DurationRange::millis(50),
            hold: DurationRange::ZERO,
            tries: 3,
            connect_timeout: DurationRange::millis(5_000),
            answer_timeout: DurationRange::millis(60_000),
            reloads: Reloads::Never,
        }
    }
}

impl Default for ElbSpec {
    fn default() -> Self {
        Self {
            lag: DurationRange::millis(1_000),
            health_check: HealthCheck::default(),
            connect_timeout: DurationRange::millis(10_000),
            answer_timeout: DurationRange::millis(60_000),
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { period: DurationRange::millis(500), healthy: 2, unhealthy: 2 }
    }
}
