//! The rules, one a file, and the list of them.

mod anti_affinity_blocks_surge;
mod aws;
mod backend_port_missing;
mod blue_green_scale_down;
mod budgets;
mod claim_blocks_surge;
mod config_without_checksum;
mod deregistration_lag;
mod disruption_budget_blocks;
mod grace_shorter_than_pre_stop;
mod headless_clients;
mod host_port_blocks_surge;
mod ingress_controller_shutdown;
mod liveness_gives_up_at_once;
mod liveness_without_startup;
mod local_traffic_policy;
mod long_lived_streams;
mod max_unavailable_all;
mod max_unavailable_half;
mod mesh_drain_too_short;
mod mesh_not_held;
mod migration_hook;
mod min_ready_seconds_zero;
mod name_has_version;
mod nginx_stop_signal;
mod no_disruption_budget;
mod no_pre_stop;
mod no_readiness_gate;
mod no_readiness_probe;
mod one_replica;
mod pre_stop_needs_shell;
mod pre_stop_shorter_than_ingress;
mod prelude;
mod publish_not_ready;
mod readiness_gives_up_at_once;
mod readiness_tcp_only;
mod readiness_timeout_tight;
mod recreate;
mod removed_api_version;
mod replicas_removed;
mod replicas_under_autoscaler;
mod rollout_cannot_move;
mod selector_changed;
mod selector_has_version;
mod selector_matches_nothing;
mod service_removed;
mod service_replaced;
mod session_affinity;
mod shell_as_process_one;
mod sidecar_in_containers;
mod sidecar_pre_stop_quits;
mod single_pod_in_place;
mod slow_warm_up;
mod target_port_changed;
mod target_port_missing;
mod workload_replaced;
mod workload_selector_changed;
mod zero_grace;

use super::rule::Rule;

/// All rules, in the order in which docs/LINT.md has them.
pub const RULES: &[&Rule] = &[
    // How pods end.
    &no_pre_stop::RULE,
    &grace_shorter_than_pre_stop::RULE,
    &zero_grace::RULE,
    &pre_stop_needs_shell::RULE,
    &shell_as_process_one::RULE,
    &nginx_stop_signal::RULE,
    &sidecar_in_containers::RULE,
    &sidecar_pre_stop_quits::RULE,
    &mesh_drain_too_short::RULE,
    // How a rollout replaces them.
    &recreate::RULE,
    &max_unavailable_all::RULE,
    &max_unavailable_half::RULE,
    &rollout_cannot_move::RULE,
    &single_pod_in_place::RULE,
    &one_replica::RULE,
    &replicas_under_autoscaler::RULE,
    &blue_green_scale_down::RULE,
    &claim_blocks_surge::RULE,
    &host_port_blocks_surge::RULE,
    &anti_affinity_blocks_surge::RULE,
    &removed_api_version::RULE,
    // How requests find them.
    &selector_has_version::RULE,
    &selector_matches_nothing::RULE,
    &target_port_missing::RULE,
    &backend_port_missing::RULE,
    &name_has_version::RULE,
    &publish_not_ready::RULE,
    &local_traffic_policy::RULE,
    &session_affinity::RULE,
    &headless_clients::RULE,
    &long_lived_streams::RULE,
    // How pods start.
    &no_readiness_probe::RULE,
    &readiness_tcp_only::RULE,
    &readiness_gives_up_at_once::RULE,
    &readiness_timeout_tight::RULE,
    &liveness_without_startup::RULE,
    &liveness_gives_up_at_once::RULE,
    &min_ready_seconds_zero::RULE,
    &slow_warm_up::RULE,
    &mesh_not_held::RULE,
    // What stands in front of them.
    &pre_stop_shorter_than_ingress::RULE,
    &deregistration_lag::RULE,
    &no_readiness_gate::RULE,
    &ingress_controller_shutdown::RULE,
    // What else changes.
    &config_without_checksum::RULE,
    &migration_hook::RULE,
    &disruption_budget_blocks::RULE,
    &no_disruption_budget::RULE,
    // What an upgrade changes.
    &selector_changed::RULE,
    &target_port_changed::RULE,
    &workload_replaced::RULE,
    &workload_selector_changed::RULE,
    &replicas_removed::RULE,
    &service_replaced::RULE,
    &service_removed::RULE,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names of causes in the catalogue.
    const CAUSES: [&str; 35] = [
        "endpoint-race",
        "exit-without-drain",
        "sigterm-ignored",
        "grace-too-short",
        "pre-stop-failed",
        "kept-connections-cut",
        "wrong-stop-signal",
        "sidecar-stops-first",
        "long-lived-streams",
        "recreate",
        "max-unavailable",
        "selector-switch",
        "target-port-change",
        "readiness-flap",
        "replicas-reset",
        "service-recreated",
        "ready-too-early",
        "slow-warm-up",
        "liveness-kills",
        "addition-lag",
        "sidecar-not-ready",
        "pods-cannot-start",
        "registration-lag",
        "deregistration-lag",
        "local-traffic-policy",
        "ingress-rollout",
        "stale-upstreams",
        "mesh-drain",
        "dns-caching",
        "breaking-migration",
        "config-changed-in-place",
        "node-drain",
        "capacity-dip",
        "all-pods-deleted",
        "session-affinity",
    ];

    #[test]
    fn names_are_unique_and_kebab() {
        let mut seen = HashSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.name), "{} is there twice", rule.name);
            assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.name);
        }
    }

    #[test]
    fn causes_are_of_the_catalogue() {
        for rule in RULES {
            assert!(CAUSES.contains(&rule.cause), "{}: {}", rule.name, rule.cause);
        }
    }

    #[test]
    fn scenarios_are_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        for (rule, file) in RULES.iter().filter_map(|rule| Some((rule.name, rule.scenario?))) {
            assert!(folder.join(file).is_file(), "{rule}: there is no scenarios/{file}");
        }
    }

    #[test]
    fn the_documentation_has_each_rule() {
        let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LINT.md")).unwrap();
        for Rule { name, severity, field, says, cause, fix, .. } in RULES {
            let row = format!("| `{name}` | {severity} | `{field}` | {says} | {cause} | {fix} |");
            assert!(docs.lines().any(|line| line == row), "docs/LINT.md has no line\n{row}");
        }
        let rows = docs.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 5).count();
        assert_eq!(rows, RULES.len(), "docs/LINT.md has rules that are none");
    }

    #[test]
    fn each_file_is_a_rule_of_the_list() {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules")).unwrap();
        let helpers = ["aws", "budgets", "prelude"];
        let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('_', "-"));
        for name in names.filter(|name| !helpers.contains(&name.as_str())) {
            assert!(RULES.iter().any(|rule| rule.name == name), "{name} is not in the list");
        }
    }
}
