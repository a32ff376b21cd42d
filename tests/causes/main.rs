//! Each scenario of the lab, run as a user runs it, and the cause that lapse names first.
//!
//! A scenario takes some seconds in which it mostly waits, so that several are run at once.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};

use lapse_explain::cause::{Cause, Shown};
use lapse_explain::causes;
use serde_json::Value;

/// Scenarios that may run at once: a world, its pods and the prober each want a part of the machine.
const AT_ONCE: usize = 6;
/// The scenarios that run now.
static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A place among the scenarios that run; given back when dropped.
struct Turn;

impl Turn {
    fn wait() -> Self {
        let (running, changed) = &RUNNING;
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running =
            changed.wait_while(running, |running| *running >= AT_ONCE).unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (running, changed) = &RUNNING;
        *running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        changed.notify_one();
    }
}

/// Runs a scenario at a rate that leaves the machine idle for the most part, and returns the run's folder.
fn run(scenario: &str, more: &[&str]) -> tempfile::TempDir {
    let _turn = Turn::wait();
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{}/scenarios/{scenario}.yaml", env!("CARGO_MANIFEST_DIR"));
    let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
    // Whether a scenario costs what it expects is tested elsewhere; here only the cause counts.
    lapse.args(["run", &file, "--quiet", "--resolution", "60s", "--out"]).arg(folder.path().join("run")).args(more);
    lapse.output().unwrap();
    folder
}

/// The output of `lapse explain` for a run.
fn explain(folder: &tempfile::TempDir, more: &[&str]) -> String {
    let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
    let explained = lapse.arg("explain").arg(folder.path().join("run")).args(more).output().unwrap();
    String::from_utf8(explained.stdout).unwrap()
}

/// Runs a scenario and checks that `cause` comes first in the case that lost the most, or was slow the longest.
fn names_first(scenario: &str, cause: &str, more: &[&str]) {
    assert!(loses_by(scenario, cause, more), "{scenario} lost nothing");
}

/// The same where the scenario lost anything; whether it did.
fn loses_by(scenario: &str, cause: &str, more: &[&str]) -> bool {
    let said = explain(&run(scenario, more), &["--format", "json"]);
    let explanation: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    let cases = explanation["cases"].as_array().unwrap();
    let weight = |case: &&Value| (case["failed"].as_u64(), case["slow"].as_u64());
    let Some(worst) = cases.iter().max_by_key(weight) else { return false };
    assert_eq!(worst["causes"][0]["name"], cause, "{said}");
    assert!(!worst["causes"][0]["evidence"].as_array().unwrap().is_empty());
    true
}

macro_rules! scenarios {
    ($($name:ident: $scenario:literal $($flag:literal)* => $cause:literal,)+) => {
        $(
            #[test]
            fn $name() {
                names_first($scenario, $cause, &[$($flag),*]);
            }
        )+
    };
}

scenarios! {
    a_pod_that_exits_at_once: "exit-at-once" "--rate" "300/s" "--slow" "5s" => "endpoint-race",
    a_pod_that_drains_without_a_sleep: "drain-only" "--rate" "300/s" "--slow" "5s" => "endpoint-race",
    six_replicas: "more-replicas" "--rate" "300/s" "--slow" "5s" => "endpoint-race",
    a_liveness_probe_as_a_cure: "liveness-added" "--rate" "300/s" "--slow" "5s" => "endpoint-race",
    a_sleep_without_a_drain: "pre-stop-only" "--rate" "300/s" "--slow" "5s" => "kept-connections-cut",
    a_process_that_is_deaf_to_sigterm: "deaf-to-sigterm" "--rate" "300/s" "--slow" "5s" => "sigterm-ignored",
    a_sleep_longer_than_the_grace_period: "grace-shorter-than-pre-stop" "--rate" "300/s" "--slow" "5s" => "grace-too-short",
    a_strategy_that_recreates: "recreate" "--rate" "300/s" "--slow" "5s" => "recreate",
    a_rollout_that_may_leave_no_pod: "max-unavailable-one" "--rate" "300/s" "--slow" "5s" => "max-unavailable",
    a_selector_that_is_switched_too_early: "blue-green-gap" "--rate" "300/s" "--slow" "5s" => "selector-switch",
    a_list_that_an_ingress_holds: "ingress-holds-a-stale-list" "--rate" "300/s" "--slow" "5s" => "stale-upstreams",
    an_ingress_that_waits_for_the_dead: "ingress-waits-for-the-dead" "--rate" "300/s" => "sandbox-gone",
    a_balancer_that_hears_late: "elb-deregistration-lag" "--rate" "300/s" "--slow" "5s" => "deregistration-lag",
    a_pod_without_a_readiness_probe: "no-readiness-probe" "--rate" "300/s" "--slow" "5s" => "ready-too-early",
    a_readiness_probe_that_lies: "lying-readiness-probe" "--rate" "300/s" "--slow" "5s" => "ready-too-early",
    a_release_that_does_not_work: "bad-release" "--rate" "300/s" "--slow" "5s" => "bad-release",
    a_liveness_probe_that_kills_starters: "liveness-kills-slow-starters" "--rate" "300/s" "--slow" "5s" => "liveness-kills",
    new_pods_that_are_slow_at_first: "slow-warm-up" "--rate" "200/s" => "slow-warm-up",
    fewer_pods_than_the_load_needs: "capacity-dip" => "capacity-dip",
}

/// A request must be on its way to a connection in the moment in which the proxy closes it. At this rate one in a run is
/// usual and none is possible; six runs without any would be a fault.
#[test]
fn a_reload_of_a_proxy() {
    let flags = ["--rate", "1000/s", "--connections", "64", "--slow", "5s"];
    let lost = (0..6).any(|_| loses_by("reload-under-keep-alive", "proxy-reload", &flags));
    assert!(lost, "six reloads closed no connection that a request was on its way to");
}

/// A rollout that loses nothing has nothing to explain.
#[test]
fn a_cured_rollout_has_no_cause() {
    let said = explain(&run("pre-stop-and-drain", &["--rate", "200/s", "--slow", "5s"]), &[]);
    assert_eq!(said.trim(), "nothing to explain: no probe failed, and no answer was slow");
}

/// The list of causes says where each was shown: in a scenario that is run here, or in a test that exists.
#[test]
fn each_cause_is_shown_where_the_catalogue_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = |folder: &str| {
        let files = std::fs::read_dir(root.join("tests").join(folder)).unwrap();
        let files =
            files.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|end| end == "rs"));
        files.map(|file| std::fs::read_to_string(file).unwrap()).collect::<String>()
    };
    let (here, proxies, cluster) = (sources("causes"), sources("proxies"), sources("cluster"));
    for cause in causes::ALL {
        for shown in cause.shown {
            let there = match shown {
                Shown::Lab(scenario) => {
                    let [scenario, name] = [*scenario, cause.name].map(|word| format!("\"{word}\""));
                    here.lines().any(|line| line.contains(&scenario) && line.contains(&name))
                }
                Shown::Proxy(name) => proxies.contains(&format!("fn {name}()")),
                Shown::Cluster(name) => cluster.contains(&format!("fn {name}()")),
                Shown::NotYet(why) => !why.is_empty(),
            };
            assert!(there, "{}: {shown:?}", cause.name);
        }
    }
}

/// The linter and the explanation speak of the same causes.
#[test]
fn each_rule_of_the_linter_is_about_a_cause_that_is_known() {
    for rule in lapse_lint::RULES {
        assert!(causes::named(rule.cause).is_some(), "{}: {}", rule.name, rule.cause);
    }
}

/// What the manifests have raises the score of a cause, and what they are clean of lowers it.
#[test]
fn manifests_raise_and_lower_the_scores() {
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/story");
    let folder = tempfile::tempdir().unwrap();
    let score = |lifecycle: &str| {
        let file = folder.path().join("rendered.yaml");
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: wine}}\nspec:\n  replicas: 2\n  selector: \
             {{matchLabels: {{app: wine}}}}\n  template:\n    metadata: {{labels: {{app: wine}}}}\n    spec:\n      containers:\n      \
             - name: wine\n        image: wine:1\n        ports: [{{containerPort: 8080}}]\n        readinessProbe: {{httpGet: {{path: /, \
             port: 8080}}}}\n{lifecycle}---\napiVersion: v1\nkind: Service\nmetadata: {{name: wine}}\nspec: {{selector: {{app: wine}}, \
             ports: [{{port: 80, targetPort: 8080}}]}}\n"
        );
        std::fs::write(&file, text).unwrap();
        let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
        let said = lapse.args(["explain", story, "--format", "json", "--manifests"]).arg(&file).output().unwrap();
        let explanation: Value = serde_json::from_slice(&said.stdout).unwrap();
        let causes = explanation["cases"][0]["causes"].as_array().unwrap();
        let race = causes.iter().find(|cause| cause["name"] == "endpoint-race").unwrap();
        race["score"].as_u64().unwrap()
    };
    let (without, with) = (score(""), score("        lifecycle: {preStop: {sleep: {seconds: 10}}}\n"));
    assert_eq!((without, with), (90, 70), "the recorded run alone scores 80");
}

/// Manifests of other workloads are no evidence, and what is no manifest is not passed over.
#[test]
fn manifests_of_something_else_are_refused() {
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/story");
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        let file = folder.path().join("rendered.yaml");
        std::fs::write(&file, text).unwrap();
        let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
        let ended = lapse.args(["explain", story, "--manifests"]).arg(&file).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stdout));
        String::from_utf8(ended.stderr).unwrap()
    };
    let billing = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: billing}\nspec:\n  selector: {matchLabels: {app: \
                   billing}}\n  template:\n    metadata: {labels: {app: billing}}\n    spec: {containers: [{name: a, image: b}]}\n";
    assert!(refused(billing).contains("says nothing of wine, which the run followed"), "{}", refused(billing));
    assert!(refused("Error: no such chart\n").contains("has no object of Kubernetes"));
}

/// A journal that was cut is not taken for a whole run.
#[test]
fn a_journal_that_was_cut_is_said_to_be() {
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/story/journal.lapse");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    let journal = std::fs::read(story).unwrap();
    std::fs::write(folder.path().join("run/journal.lapse"), &journal[..journal.len() * 2 / 3]).unwrap();
    let said = explain(&folder, &[]);
    assert!(said.starts_with("the journal ends before the run did"), "{said}");
    assert!(!said.contains("it went on to the end of the run"), "{said}");
}

/// The table in the documentation is that of the catalogue. `LAPSE_RENEW=1` writes it anew.
#[test]
fn the_table_of_the_documentation_has_every_cause() {
    const BEGIN: &str = "<!-- table -->\n";
    const END: &str = "<!-- end of the table -->\n";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CAUSES.md");
    let text = std::fs::read_to_string(file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let rows: String = causes::ALL.iter().map(row).collect::<Vec<_>>().concat();
    let expected = format!("| cause | what happens | reproduced | named first |\n|---|---|---|---|\n{rows}");
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(table, expected, "write it anew with LAPSE_RENEW=1");
}

fn row(cause: &Cause) -> String {
    let place = |shown: &Shown| match shown {
        Shown::Lab(name) => format!("lab: {name}"),
        Shown::Proxy(_) => "real nginx".to_owned(),
        Shown::Cluster(_) => "real cluster".to_owned(),
        Shown::NotYet(why) => format!("not yet: {why}"),
    };
    let places: Vec<_> = cause.shown.iter().map(place).collect();
    let is_shown = cause.shown.iter().any(|shown| !matches!(shown, Shown::NotYet(_)));
    let first = match (is_shown, cause.name) {
        // The rollback's own causes come first; it is named beside them.
        (true, "automatic-rollback") => "named, not first",
        (true, "proxy-reload") => "yes (lab)",
        (true, _) => "yes",
        (false, _) => "-",
    };
    format!("| `{}` | {} | {} | {first} |\n", cause.name, cause.title, places.join("; "))
}
