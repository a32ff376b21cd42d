//! `lapse reproduce`: the scenario of a recorded run loses what the run lost.

use std::path::Path;

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};

/// A rollout of two pods. Its lags are alike and over before the next pod ends, so that no rollout is much luckier than
/// another; the rate is low, so that a busy machine changes little.
const SCENARIO: &str = "\
# A rollout of two pods.
name: shop
measure: {rate: 200, baseline: 500ms, settle: 500ms, timeout: 1s}
rollout: ROLLOUT
hops: [HOP]
pods:
  v1: &app {boot: 600ms, work: 30ms..40ms, readiness: {period: 20ms}, grace: 5s, PODS}
  v2: *app
first: v1
acts: [{name: rollout, upgrade: v2, expect: {lost: any}}]
";

/// Records a run of the scenario with these pods, and reproduces that from its journal alone; the folder is that of both.
fn reproduced(rollout: &str, hop: &str, pods: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let scenario = SCENARIO.replace("ROLLOUT", rollout).replace("HOP", hop).replace("PODS", pods);
    std::fs::write(path("shop.yaml"), scenario).unwrap();
    let run = Lapse::new(["run".as_ref(), path("shop.yaml").as_os_str(), "--quiet".as_ref(), "--out".as_ref()]);
    let ended = run.end_with([path("run")]);
    assert_ne!(ended.code(), Some(2), "{}", ended.stderr);
    std::fs::remove_file(path("shop.yaml")).unwrap();
    let lapse = Lapse::new(["reproduce".as_ref(), path("run").as_os_str(), "--out".as_ref()]);
    let ended = lapse.and([path("again.yaml")]).end_with(["--trials", "3", "--format", "json", "--quiet"]);
    // What chance and a busy machine may do to figures is held below.
    assert!([Some(0), Some(1), Some(3)].contains(&ended.code()), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// What the run had of a figure, and each play.
fn figure(table: &Value, name: &str) -> (f64, Vec<f64>) {
    let figures = table["figures"].as_array().unwrap();
    let figure = figures.iter().find(|one| one["figure"] == name).unwrap();
    let played = figure["played"].as_array().unwrap().iter().map(|one| one["estimate"].as_f64().unwrap());
    (figure["recorded"]["estimate"].as_f64().unwrap(), played.collect())
}

/// The share of a lane's requests that the run lost, and that each play did.
fn lost(table: &Value, lane: &str) -> (f64, Vec<f64>) {
    figure(table, &format!("lost, {lane}"))
}

/// Holds that the play that came nearest lost as much as the run, by a factor of two. A machine that holds a play up makes
/// that one lose more, and says nothing of the scenario.
fn assert_alike((recorded, played): &(f64, Vec<f64>), table: &Value) {
    let is_near = |play: &f64| recorded / 2.0 < *play && *play < recorded * 2.0;
    assert!(*recorded > 0.0 && played.iter().any(is_near), "{recorded}, {played:?}: {table:#}");
}

/// The kind of a class of failures, as a client sees it.
fn kind(class: &str) -> &str {
    match class {
        "refused" | "unreachable" | "connect-timeout" => "no connection",
        "closed" | "reset" | "truncated" => "cut",
        other => other,
    }
}

/// Holds that the lane lost as much again, by a factor of two, and that most failures of the run are of a kind that the
/// plays had too. A machine that is held up adds kinds of its own.
fn assert_lost_again(table: &Value, lane: &str) {
    assert_alike(&lost(table, lane), table);
    let classes = table["classes"].as_array().unwrap().iter().find(|one| one["lane"] == lane).unwrap();
    let counts = |which: &str| classes[which].as_object().unwrap().iter();
    let (most, _) = counts("recorded").max_by_key(|(_, count)| count.as_u64()).unwrap();
    assert!(counts("played").any(|(class, _)| kind(class) == kind(most)), "{classes:#}");
}

fn scenario(table: &Value) -> &str {
    table["scenario"].as_str().unwrap()
}

const ROLLING: &str = "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}";

#[test]
fn pods_that_exit_at_once_behind_a_service_that_lags() {
    let table = reproduced(ROLLING, "{service: {lag: 400ms..450ms}}", "onSigterm: exit");
    assert_lost_again(&table, "new");
    let text = scenario(&table);
    assert!(text.contains("onSigterm: exit") && text.contains("maxSurge: 1"), "{text}");
    assert!(text.contains("# told by the cluster: no preStop hook"), "each value has its evidence: {text}");
}

#[test]
fn pods_that_drain_and_refuse_new_connections() {
    let table = reproduced(ROLLING, "{service: {lag: 400ms..450ms}}", "onSigterm: drain");
    assert_lost_again(&table, "new");
    assert!(scenario(&table).contains("onSigterm: drain"), "{}", scenario(&table));
}

#[test]
fn a_strategy_that_leaves_no_pod() {
    let table = reproduced("recreate", "{service: {lag: 200ms..250ms}}", "onSigterm: exit");
    assert_lost_again(&table, "new");
    assert_lost_again(&table, "reused");
    assert!(scenario(&table).contains("rollout: recreate"), "{}", scenario(&table));
}

#[test]
fn a_load_balancer_that_answers_for_pods_that_are_gone() {
    let elb = "{elb: {lag: 400ms..450ms, healthCheck: {period: 100ms, healthy: 1, unhealthy: 100}}}";
    let table = reproduced(ROLLING, elb, "onSigterm: exit, afterwards: refuses");
    // It takes pods in turn, and the lanes send in turn: which of them meets a pod that is gone is the same all the time.
    assert_alike(&figure(&table, "downtime"), &table);
    assert!(scenario(&table).contains("# the server awselb/2.0 answered in place of pods"), "{}", scenario(&table));
}

#[test]
fn pods_that_wait_before_they_cut_their_connections() {
    let table = reproduced(ROLLING, "{service: {lag: 100ms..150ms}}", "preStop: 500ms, onSigterm: exit");
    let (recorded, played) = lost(&table, "reused");
    assert!(recorded > 0.0 && played.iter().any(|play| *play > 0.0), "{table:#}");
    let (recorded, played) = lost(&table, "new");
    assert!(recorded < 0.02 && played.iter().any(|play| *play < 0.02), "new connections go elsewhere: {table:#}");
    assert!(scenario(&table).contains("preStop: 500ms"), "{}", scenario(&table));
    let assumed = table["assumed"].as_array().unwrap();
    assert!(assumed.iter().any(|one| one["key"] == "hops.0.service.lag"), "no failure shows the lag: {assumed:?}");
}

fn story() -> Lapse {
    Lapse::new(["reproduce", concat!(env!("CARGO_MANIFEST_DIR"), "/reports/story")])
}

/// Recorded on a real cluster, by a release of lapse that told nothing of settings.
#[test]
fn the_worked_example_is_reproduced_and_cured_as_it_was() {
    let flags = ["--trials", "1", "--at-once", "3", "--rate", "300/s", "--try", "cures", "--format", "json"];
    let ended = story().end_with(flags);
    let table: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.stderr));
    assert_lost_again(&table, "new");
    let text = scenario(&table);
    for says in
        ["replicas: 2", "maxSurge: 1", "maxUnavailable: 0", "preStop: 0ms", "onSigterm: exit", "afterwards: swallows"]
    {
        assert!(text.contains(says), "{says}: {text}");
    }
    let cures = table["cures"]["cheapest"]["cures"].as_array().unwrap_or_else(|| panic!("nothing cures: {table:#}"));
    let names: Vec<_> = cures.iter().map(|cure| cure["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"preStop 2 s"), "{names:?}");
}

#[test]
fn a_scenario_is_written_without_being_played_and_never_over_another_file() {
    let ended = story().end_with(["--no-run", "--out", "-"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("# What 127.0.0.1 lost in the recorded run"), "{}", ended.stdout);
    let ended = story().end_with(["--no-run"]);
    assert_eq!((ended.code(), ended.stdout.as_str()), (Some(0), "127.0.0.1-reproduced.yaml\n"), "{}", ended.stderr);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("there.yaml");
    let written = story().and(["--no-run", "--out"]).end_with([&file]);
    assert_eq!(written.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), story().end_with(["--no-run", "--out", "-"]).stdout);
}

fn refused(ended: &Ended, says: &str) {
    assert_eq!(ended.code(), Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
}

#[test]
fn what_cannot_be_reproduced_is_said_with_the_next_step() {
    refused(&story().end_with(["--target", "shop"]), "the run has no target \"shop\": its targets are 127.0.0.1");
    refused(&story().end_with(["--act", "first"]), "the run has no act \"first\": it has none");
    refused(&story().end_with(["--out", "-"]), "add --no-run");
    refused(&story().end_with(["--workload", "wine"]), "add --manifests or --chart");
    refused(&story().end_with(["--chart", "scenarios"]), "scenarios is no chart: it has no Chart.yaml");
    refused(&Lapse::new(["reproduce", "/nowhere"]).end(), "is neither a folder nor a file");
    let no_helm = |chart: &Path| story().env("PATH", "/nowhere".as_ref()).and(["--chart".as_ref(), chart.as_os_str()]);
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/charts/wine-store");
    refused(&no_helm(&chart).end(), "render the chart elsewhere and pipe it in");
}

#[test]
fn manifests_that_say_nothing_of_a_rollout_are_refused() {
    let piped = |text: &str| story().stdin(text).end_with(["--no-run", "--manifests", "-"]);
    refused(&piped("a: 1\n"), "there is no object of Kubernetes in the manifests");
    refused(
        &piped("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: '{{ .Release.Name }}'}\n"),
        "unrendered `{{`",
    );
    refused(&piped("\u{0}"), "line 1");
    refused(&piped(&format!("a: {}1", "[".repeat(100_000))), "line 1");
    let service = "kind: Service\napiVersion: v1\nmetadata: {name: shop}\nspec: {selector: {app: shop}}\n";
    refused(&piped(service), "no workload in the manifests is rolled and gets requests");
    let deployment = |name: &str| {
        format!(
            "---\nkind: Deployment\napiVersion: apps/v1\nmetadata: {{name: {name}}}\nspec: {{replicas: 3, template: {{metadata: \
             {{labels: {{app: shop}}}}, spec: {{containers: [{{name: web}}]}}}}}}\n"
        )
    };
    let two = format!("{service}{}{}", deployment("blue"), deployment("green"));
    refused(&piped(&two), "several workloads get requests: name one with --workload: blue, green");
    let named = story().stdin(&two).end_with(["--no-run", "--out", "-", "--manifests", "-", "--workload", "green"]);
    assert_eq!(named.code(), Some(0), "{}", named.stderr);
    assert!(named.stdout.contains("# the manifest of Deployment green: the replicas"), "{}", named.stdout);
    assert!(named.stdout.contains("\nreplicas: 3\n"), "{}", named.stdout);
}
