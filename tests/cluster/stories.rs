//! The upgrade as it stands, and each proposed cure.

use std::collections::BTreeSet;

use super::release::Release;
use super::report::Report;

const SECOND: u64 = 1_000_000_000;
/// The tolerance between a failure and a pod's own end time, in addition to the run's detection limit.
const ALIGNED: u64 = SECOND / 10;
/// The longest time for an endpoint change to reach kube-proxy's rules, or a watch, on a busy machine.
const PROPAGATION: u64 = 5 * SECOND;

/// One of this number of new connections may fail although every pod shuts down cleanly. Connection tracking remembers
/// the pod of a client's port for ten seconds. If a late packet of that pod came after the client's reset, it does not
/// notice that the next connection from this port is a new one. Seen once in some ten runs: 1 or 2 of 10,000.
const CONNECTIONS_PER_STALE_ENTRY: u64 = 1_000;

/// Checks that no request was lost on either lane, apart from stale connection tracking entries.
fn assert_nothing_lost(report: &Report) {
    assert!(report.lost(0, "reused").is_empty(), "{:?}", report.lost(0, "reused"));
    assert_no_new_connection_lost(report);
}

/// Checks that no new connection was lost, apart from stale connection tracking entries.
fn assert_no_new_connection_lost(report: &Report) {
    let lost = report.lost(0, "new");
    let never_connected = |class: &String| matches!(class.as_str(), "refused" | "connect-timeout" | "unreachable");
    assert!(lost.keys().all(never_connected), "{lost:?}");
    assert!(lost.values().sum::<u64>() * CONNECTIONS_PER_STALE_ENTRY <= report.resolved(0, "new"), "{lost:?}");
}

/// Checks that lapse saw `pods` pods start and end, and that the event lasted until the last old pod was gone.
fn assert_followed(report: &Report, pods: usize) {
    for kind in ["pod-created", "pod-ready", "pod-deleting", "endpoint-removed", "container-exited", "pod-gone"] {
        // Counts pods, not events: on a busy machine a pod may be unready for a while in between.
        let seen: BTreeSet<_> = report.events(kind).into_iter().map(|event| event.object).collect();
        assert!(seen.len() >= pods, "{kind}: {seen:?}");
    }
    let gone = report.events("pod-gone").last().unwrap().at_ns;
    assert!(report.phase("event").1 >= gone, "the event ended at {:?}, a pod at {gone}", report.phase("event"));
    assert!(report.was_followed(), "{}", report.doubts());
}

#[test]
fn the_upgrade_as_it_stands_loses_requests_when_containers_exit() {
    let Some(wine) = Release::install("story", "") else { return };
    // Without --wait the command returns at once, but the event lasts until the rollout is complete.
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_followed(&report, 2);
    assert_eq!(report.verdict(), "fail");
    assert_eq!(report.first_cause(0), "endpoint-race", "{}", report.explanation());
    let (reused, new) = (report.lost(0, "reused"), report.lost(0, "new"));
    assert!(new.contains_key("refused"), "{new:?}");
    assert!(reused.contains_key("reset") || reused.contains_key("closed"), "{reused:?}");
    let exits = report.exits();
    assert_eq!(exits.len(), 2, "each pod gives its end time");
    // Later failures are on ports that connection tracking still maps to a pod that is gone.
    let ((first, _), aligned) = (report.episodes()[0], ALIGNED + report.detection_limit());
    assert!(exits.iter().any(|exit| exit.abs_diff(first) <= aligned), "{first} is near none of {exits:?}");
    for exit in exits {
        let hit = report.episodes().iter().any(|(from, to)| exit + aligned >= *from && exit <= to + aligned);
        assert!(hit, "nothing was lost at {exit}: {:?}", report.episodes());
    }
}

#[test]
fn pre_stop_and_drain_together_lose_nothing() {
    for (name, kind) in [("sleep", "sleep"), ("exec", "exec")] {
        let Some(wine) = Release::install(name, &format!("preStop.kind={kind},preStop.seconds=6,pod.onSigterm=drain"))
        else {
            return;
        };
        let report = wine.hammer(&[], &wine.upgrade("release=2", &["--wait"]));
        assert_followed(&report, 2);
        assert_nothing_lost(&report);
        assert_eq!(report.events("release-deployed").len(), 1);
    }
}

#[test]
fn pre_stop_alone_loses_nothing_on_new_connections() {
    let Some(wine) = Release::install("prestop", "preStop.kind=sleep,preStop.seconds=6") else { return };
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_followed(&report, 2);
    assert_no_new_connection_lost(&report);
    let reused = report.lost(0, "reused");
    assert!(!reused.is_empty(), "keep-alive connections are cut with their pod");
    assert_eq!(report.first_cause(0), "kept-connections-cut", "{}", report.explanation());
}

#[test]
fn a_pod_that_ignores_sigterm_is_killed_at_the_end_of_its_grace_period() {
    let Some(wine) = Release::install("deaf", "pod.onSigterm=ignore") else { return };
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_followed(&report, 2);
    assert!(!report.lost(0, "reused").is_empty(), "SIGKILL cuts the pod's connections");
    let (exits, deletions) = (report.events("container-exited"), report.events("pod-deleting"));
    assert!(exits.iter().all(|exit| exit.text.contains("137")), "{exits:?}");
    for (exit, deletion) in exits.iter().zip(&deletions) {
        assert!(exit.at_ns - deletion.at_ns >= 9 * SECOND, "{deletion:?} {exit:?}");
    }
    assert_eq!(report.first_cause(0), "sigterm-ignored", "{}", report.explanation());
    // kube-proxy had ten seconds to remove the pod from its rules.
    assert_no_new_connection_lost(&report);
}

#[test]
fn recreate_is_down_while_there_are_no_endpoints() {
    let Some(wine) = Release::install("recreate", "strategy.type=Recreate") else { return };
    let report = wine.hammer(&[], &wine.upgrade("release=2", &["--wait"]));
    assert_followed(&report, 2);
    let empty_from = report.events("endpoint-removed").iter().map(|event| event.at_ns).max().unwrap();
    let empty_to = report.events("endpoint-added").iter().map(|event| event.at_ns).min().unwrap();
    assert!(empty_to > empty_from, "no pod was ready between {empty_from} and {empty_to}");
    let (at_least, _, at_most) = report.total("down");
    let empty = empty_to - empty_from;
    assert!(at_least <= empty + PROPAGATION && at_most + PROPAGATION >= empty, "{empty}: {at_least} to {at_most}");
    let (from, to) = report.failing_span();
    assert!(from <= empty_from + PROPAGATION, "{from} {empty_from}");
    assert!(to + PROPAGATION >= empty_to, "{to} {empty_to}");
    assert_eq!(report.first_cause(0), "recreate", "{}", report.explanation());
}

#[test]
fn one_replica_with_max_unavailable_one_is_down() {
    let Some(wine) = Release::install("single", "replicas=1,strategy.maxUnavailable=1,strategy.maxSurge=0") else {
        return;
    };
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_followed(&report, 1);
    assert!(report.total("down").1 > 0, "{:?}", report.total("down"));
    assert_eq!(report.first_cause(0), "max-unavailable", "{}", report.explanation());
}

#[test]
fn blue_green_has_a_gap_without_a_standby_and_none_with_one() {
    let Some(wine) = Release::install("gap", "blueGreen.enabled=true,blueGreen.standby=false") else { return };
    let report = wine.hammer(&[], &wine.upgrade("blueGreen.active=green", &[]));
    assert_eq!(report.events("selector-switched").len(), 1);
    assert!(report.failed(0) > 0 && report.total("down").1 > 0, "{}", report.summary());
    assert_eq!(report.first_cause(0), "selector-switch", "{}", report.explanation());
    drop(wine);

    let Some(wine) = Release::install("bluegreen", "blueGreen.enabled=true") else { return };
    wine.prepare("blueGreen.green=2");
    let report = wine.hammer(&[], &wine.upgrade("blueGreen.active=green", &[]));
    assert_eq!(report.events("selector-switched").len(), 1);
    assert!(report.was_followed(), "a selector switch is not a no-op: {}", report.doubts());
    assert_nothing_lost(&report);
}
