//! `lapse try`: the rollout again with each cure, and the cheapest that loses nothing.

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};

/// Pods that exit at once, behind a service that learns of it within 0.2 s. Answers take so long that some are always
/// under way, and the cures have time to spare, so that a busy machine changes nothing.
const SCENARIO: &str = "\
# Pods that exit on SIGTERM lose requests in every rollout.
name: shop
measure: {rate: 200, baseline: 500ms, settle: 500ms}
hops: [{service: {lag: 100ms..200ms}}]
pods:
  v1: &app {work: 100ms, readiness: {period: 100ms}, grace: 10s}
  v2: *app
  v3: {work: 100ms, readiness: {period: 100ms}, grace: 10s, preStop: 1s, onSigterm: drain}
first: v1
acts:
  - {name: as it is, upgrade: v2, expect: {lost: some}}
  - {name: next, upgrade: v3, expect: {lost: some}}
  - {name: cured, upgrade: v3, expect: {lost: none}}
";

fn tried(scenario: &str, flags: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.yaml");
    std::fs::write(&path, scenario).unwrap();
    let lapse = Lapse::new(["try".as_ref(), path.as_os_str()]);
    lapse.and(["--trials", "1", "--at-once", "4"]).end_with(flags)
}

/// The names of a row's cures, and how many probes it lost.
fn row(row: &Value) -> (Vec<&str>, u64) {
    let names = row["cures"].as_array().unwrap().iter().map(|cure| cure["name"].as_str().unwrap());
    let lost = row["trials"].as_array().unwrap().iter().map(|trial| trial["failed"].as_u64().unwrap()).sum();
    (names.collect(), lost)
}

#[test]
fn the_cheapest_cure_of_an_exit_on_sigterm_is_a_pre_stop_sleep_and_a_drain() {
    let ended = tried(SCENARIO, &["--format", "json"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let table: Value = serde_json::from_str(&ended.stdout).unwrap();
    let rows: Vec<_> = table["rows"].as_array().unwrap().iter().map(row).collect();
    assert!(rows[0].0.is_empty() && rows[0].1 > 0, "as it is, it loses requests: {rows:?}");
    let lost = |cures: &[&str]| rows.iter().find(|(names, _)| names == cures).map(|(_, lost)| *lost);
    let (sleep, drain) = ("preStop 1 s", "drain");
    assert!(lost(&[sleep]).unwrap() > 0, "kept connections are still cut: {rows:?}");
    assert!(lost(&[drain]).unwrap() > 0, "new connections still come: {rows:?}");
    assert_eq!(row(&table["cheapest"]), (vec![sleep, drain], 0), "{rows:?}");
}

#[test]
fn a_recreate_needs_three_cures_at_once() {
    let scenario = SCENARIO.replace("hops:", "rollout: recreate\nhops:");
    let ended = tried(&scenario, &["--format", "json"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let table: Value = serde_json::from_str(&ended.stdout).unwrap();
    let rows: Vec<_> = table["rows"].as_array().unwrap().iter().map(row).collect();
    assert!(rows.iter().filter(|(names, _)| names.len() < 3).all(|(_, lost)| *lost > 0), "{rows:?}");
    assert_eq!(row(&table["cheapest"]), (vec!["preStop 1 s", "surge 1, unavailable 0", "drain"], 0), "{rows:?}");
}

#[test]
fn a_rollout_that_loses_nothing_needs_no_cure() {
    let ended = tried(SCENARIO, &["--act", "cured"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("Nothing: the rollout as it is lost nothing"), "{}", ended.stdout);
}

#[test]
fn an_act_that_there_is_not_is_refused_with_those_there_are() {
    let ended = tried(SCENARIO, &["--act", "fixd"]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("\"as it is\", \"next\", \"cured\""), "{}", ended.stderr);
}
