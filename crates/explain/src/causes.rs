//! The causes, one file each. What is not the rollout comes first: of equal scores it is named before the others.

#![expect(clippy::unnecessary_wraps, reason = "the cure of some causes is the same in every case")]

use crate::cause::Cause;

/// Declares the modules and the list of their causes, so that neither can lack one.
macro_rules! causes {
    ($($name:ident,)+) => {
        $(mod $name;)+

        /// Every cause, in the order in which equal scores are ranked.
        pub const ALL: &[Cause] = &[$($name::CAUSE,)+];
    };
}

causes! {
    // Not the rollout.
    failing_before,
    prober_held_up,
    rate_limited,
    keep_alive_race,
    timeout_too_short,
    redirected,
    method_refused,
    local_path_ended,
    container_crashed,
    node_not_ready,
    session_affinity,
    // How old pods end.
    grace_too_short,
    pre_stop_failed,
    sigterm_ignored,
    kept_connections_cut,
    exit_without_drain,
    sidecar_stops_first,
    sandbox_gone,
    endpoint_race,
    wrong_stop_signal,
    long_lived_streams,
    pod_address_reused,
    // No pod to answer.
    recreate,
    max_unavailable,
    selector_switch,
    target_port_change,
    all_pods_deleted,
    readiness_flap,
    replicas_reset,
    service_recreated,
    // How new pods start.
    ready_too_early,
    liveness_kills,
    slow_warm_up,
    addition_lag,
    bad_release,
    pods_cannot_start,
    network_policy_lag,
    sidecar_not_ready,
    // The path.
    stale_upstreams,
    proxy_reload,
    deregistration_lag,
    registration_lag,
    local_traffic_policy,
    ingress_rollout,
    route_churn,
    mesh_drain,
    capacity_dip,
    // The dataplane.
    slow_propagation,
    dns_caching,
    stale_conntrack,
    ipvs_reuse,
    cilium_termination,
    // The application, and those who operate it.
    automatic_rollback,
    node_drain,
    mixed_versions,
    breaking_migration,
    config_changed_in_place,
}

/// The cause of this name; `None` if there is none.
pub fn named(name: &str) -> Option<&'static Cause> {
    ALL.iter().find(|cause| cause.name == name)
}
