//! Upgrades that fail, stall or change nothing; a restart of the API server; and two routes to the same pods at once.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::release::{Release, run};

#[test]
fn an_atomic_upgrade_that_is_rolled_back_loses_requests_both_times() {
    let Some(wine) = Release::install("atomic", "replicas=3") else { return };
    let command = wine.upgrade("release=2,pod.init=6s", &["--atomic", "--timeout", "20s"]);
    let report = wine.hammer(&[], &command);
    assert_eq!((report.exit, report.verdict()), (Some(4), "command-failed"));
    assert_eq!(report.events("release-failed").len(), 1);
    assert!(!report.events("release-deployed").is_empty(), "the previous revision is deployed again");
    let rolled_back = report.events("release-failed")[0].at_ns;
    let episodes = report.episodes();
    assert!(episodes.iter().any(|(from, _)| *from < rolled_back), "the upgrade lost nothing: {episodes:?}");
    assert!(episodes.iter().any(|(_, to)| *to > rolled_back), "the rollback lost nothing: {episodes:?}");
    assert!(report.names("automatic-rollback"), "{}", report.explanation());
}

#[test]
fn an_upgrade_that_changes_nothing_is_inconclusive() {
    let Some(wine) = Release::install("noop", "") else { return };
    let report = wine.hammer(&[], &wine.upgrade("release=1", &["--wait"]));
    assert_eq!((report.exit, report.verdict()), (Some(3), "inconclusive"));
    assert!(report.doubts().contains("nothing was rolled yet: of release noop"), "{}", report.doubts());
    let report = wine.hammer(&["--allow-noop"], &wine.upgrade("release=1", &[]));
    assert!(report.was_followed(), "{}", report.doubts());
}

#[test]
fn a_rollout_that_never_completes_has_stalled() {
    let Some(wine) = Release::install("stalled", "") else { return };
    let report = wine.hammer(&["--settle-limit", "8s"], &wine.upgrade("release=2,pod.init=60m", &[]));
    assert_eq!(report.exit, Some(3), "{}", report.doubts());
    assert_eq!(report.events("rollout-stalled").len(), 1);
    assert!(report.doubts().contains("deployment stalled: "), "{}", report.doubts());
}

#[test]
fn no_event_is_lost_while_the_api_server_restarts() {
    let (Some(up), Some(state)) = (env::var_os("LAPSE_CLUSTER_UP"), env::var_os("LAPSE_CLUSTER_RUN")) else {
        eprintln!("SKIPPED: restart: nothing says how to kill and start the API server");
        return;
    };
    let Some(wine) = Release::install("restart", "pod.init=4s") else { return };
    let pid = std::fs::read_to_string(std::path::Path::new(&state).join("apiserver.pid")).unwrap();
    let restart = thread::spawn(move || {
        thread::sleep(Duration::from_secs(6));
        assert!(run(Command::new("kill").args(["-9", pid.trim()])).status.success());
        thread::sleep(Duration::from_secs(2));
        // The script that brings the cluster up starts whatever is not running.
        let started = run(&mut Command::new(&up));
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    });
    // The cluster's controllers take up to half a minute to reconnect to the API server.
    let report = wine.hammer(&["--settle-limit", "240s"], &wine.upgrade("release=2", &[]));
    restart.join().unwrap();
    let (lost, resumed) = (report.events("watch-lost"), report.events("watch-resumed"));
    assert!(!lost.is_empty() && lost.len() == resumed.len(), "{lost:?} {resumed:?}");
    for kind in ["pod-created", "pod-deleting", "pod-gone"] {
        let seen = report.events(kind);
        let pods: BTreeSet<_> = seen.iter().map(|event| event.text.split(' ').next()).collect();
        assert_eq!((seen.len(), pods.len()), (2, 2), "{kind}: {seen:?}");
    }
    assert!(!report.events("rollout-complete").is_empty());
    assert!(report.was_followed(), "{}", report.doubts());
}

#[test]
fn one_run_reports_an_ingress_and_its_service_separately() {
    let Ok(ingress) = env::var("LAPSE_CLUSTER_INGRESS") else {
        eprintln!("SKIPPED: ways: LAPSE_CLUSTER_INGRESS says where no ingress controller answers");
        return;
    };
    let Some(wine) = Release::install("ways", "ingress.enabled=true") else { return };
    let routes = |wine: &Release| [format!("service={}", wine.url()), format!("ingress={ingress}")];
    let host = ["-H", "Host: wine.test", "--rate", "500/s"];
    let [service, through] = routes(&wine);
    let targets = ["--target", &service, "--target", &through];
    let get = wine.hammer_at(&targets, &host, &wine.upgrade("release=2", &[]));
    assert!(get.failed(0) > 0, "{}", get.summary());
    // Clients of the ingress never see a refused connection: the ingress tries the other pod, or waits for a timeout.
    for lane in ["reused", "new"] {
        let lost = get.lost(1, lane);
        assert!(!lost.contains_key("refused") && !lost.contains_key("connect-timeout"), "{lane}: {lost:?}");
    }
    let post = [host.as_slice(), &["-X", "POST", "-d", "{}"]].concat();
    let post = wine.hammer_at(&targets, &post, &wine.upgrade("release=3", &[]));
    assert!(post.failed(0) > 0, "{}", post.summary());
    drop(wine);

    let Some(wine) = Release::install("empty", "ingress.enabled=true,strategy.type=Recreate") else { return };
    let [service, through] = routes(&wine);
    let targets = ["--target", &service, "--target", &through];
    let report = wine.hammer_at(&targets, &host, &wine.upgrade("release=2", &[]));
    let (service, ingress) = (report.lost(0, "new"), report.lost(1, "new"));
    assert!(service.contains_key("refused"), "with no endpoint a service refuses: {service:?}");
    assert!(ingress.keys().any(|class| class.starts_with("status 50")), "an ingress answers: {ingress:?}");
    let said = report.explanation();
    assert!(said.contains("requests were lost at service or behind it: ingress lost "), "{said}");
    assert_eq!((report.first_cause(0), report.first_cause(1)), ("recreate", "recreate"), "{said}");
}
