//! `lapse predict`: what a rollout will lose, before it begins.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};

/// A Deployment of two pods behind a Service, with more of the pod's spec.
fn manifests(pod: &str, container: &str) -> String {
    format!(
        "---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata: {{name: shop}}
spec: {{selector: {{app: shop}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      {pod}
      containers:
        - name: web
          image: shop:1
          ports: [{{containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
          {container}
"
    )
}

fn predicted(text: &str, flags: &[&str]) -> Ended {
    let lapse =
        Lapse::new(["predict", "-", "--rate", "300/s", "--trials", "1", "--lag", "200ms..300ms", "--work", "30ms"]);
    lapse.and(["--quiet", "--format", "json"]).and(flags).stdin(text).end()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr))
}

#[test]
fn pods_without_a_hook_will_lose_requests_and_a_sleep_with_a_drain_cures_that() {
    let ended = predicted(&manifests("", ""), &["--at-once", "4"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    let answer = json(&ended);
    assert_eq!((answer["loses"].as_bool(), answer["workload"]["name"].as_str()), (Some(true), Some("shop")));
    assert!(answer["plays"][0]["failed"].as_u64().unwrap() > 0, "{answer:#}");
    let depends = answer["depends"].as_str().unwrap();
    assert!(depends.contains("here its pods exit at once (assumed: the commonest"), "{depends}");
    let cause = &answer["explanation"]["cases"][0]["causes"][0]["name"];
    assert_eq!(cause, "endpoint-race", "{:#}", answer["explanation"]);
    let cures = answer["cures"]["cheapest"]["cures"].as_array().unwrap();
    let names: Vec<_> = cures.iter().map(|cure| cure["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"preStop 1 s"), "{names:?}");
}

#[test]
fn pods_that_sleep_and_drain_lose_nothing_however_long_their_manifest_makes_them_wait() {
    let text = manifests("terminationGracePeriodSeconds: 600", "lifecycle: {preStop: {sleep: {seconds: 300}}}");
    let ended = predicted(&text, &["--on-sigterm", "drain"]);
    let answer = json(&ended);
    // A machine that holds the play up leaves it open whether that would have shown a loss.
    let code = if answer["doubts"].as_array().unwrap().is_empty() { 0 } else { 3 };
    assert_eq!((ended.code(), answer["loses"].as_bool()), (Some(code), Some(false)), "{answer:#}");
    assert_eq!(answer["cures"], Value::Null, "there is nothing to cure");
    let scenario = answer["scenario"].as_str().unwrap();
    assert!(scenario.contains("its 300.0 s are played as 3.00 s, which outlast the lag"), "{scenario}");
    assert!(scenario.contains("`--on-sigterm` says so"), "{scenario}");
}

/// Two Deployments, and a Service that selects one of them.
fn blue_green(active: &str, standby: u32) -> String {
    let deployment = |slot: &str| {
        let replicas = if slot == active { 2 } else { standby };
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: shop-{slot}}}\nspec: {{replicas: {replicas}, template: {{metadata: {{labels: {{slot: {slot}}}}}, spec: {{containers: [{{name: web, ports: [{{containerPort: 80}}], readinessProbe: {{tcpSocket: {{port: 80}}}}}}]}}}}}}\n"
        )
    };
    let service = format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: shop}}\nspec: {{selector: {{slot: {active}}}, ports: [{{port: 80}}]}}\n"
    );
    format!("{}{}{service}", deployment("blue"), deployment("green"))
}

#[test]
fn a_switch_to_pods_that_are_there_loses_nothing_and_one_to_pods_that_are_not_loses_all() {
    let folder = tempfile::tempdir().unwrap();
    let before = |text: &str| {
        let path = folder.path().join("before.yaml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let now = before(&blue_green("blue", 2));
    let answer = json(&predicted(&blue_green("green", 2), &["--before", &now]));
    assert_eq!((answer["loses"].as_bool(), answer["workload"]["name"].as_str()), (Some(false), Some("shop-green")));
    let upgrade = answer["upgrade"].as_str().unwrap();
    assert!(upgrade.contains("switches the Service shop from Deployment shop-blue, whose pods stay"), "{upgrade}");
    assert_eq!(answer["depends"], Value::Null, "no pod ends");
    assert!(answer["scenario"].as_str().unwrap().contains("keepOld: always"), "{}", answer["scenario"]);

    let now = before(&blue_green("blue", 0));
    let answer = json(&predicted(&blue_green("green", 0), &["--before", &now, "--no-cures"]));
    let cause = &answer["explanation"]["cases"][0]["causes"][0]["name"];
    assert_eq!((answer["loses"].as_bool(), cause.as_str()), (Some(true), Some("selector-switch")), "{answer:#}");
}

#[test]
fn an_upgrade_that_adds_a_hook_still_loses_what_old_pods_without_it_lose() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("before.yaml");
    let hook = "lifecycle: {preStop: {sleep: {seconds: 1}}}";
    std::fs::write(&path, manifests("", "")).unwrap();
    let before = ["--before", path.to_str().unwrap(), "--no-cures"];
    let answer = json(&predicted(&manifests("", hook), &before));
    assert_eq!(answer["loses"].as_bool(), Some(true), "{answer:#}");
    let scenario = answer["scenario"].as_str().unwrap();
    assert!(scenario.contains("# the manifest of Deployment shop: no preStop hook"), "{scenario}");
    let ended = predicted(&manifests("", ""), &before);
    let answer = json(&ended);
    assert_eq!((ended.code(), answer["loses"].as_bool()), (Some(0), Some(false)), "{answer:#}");
    assert!(answer["nothing_rolls"].as_str().unwrap().contains("leaves its pod template as it is"), "{answer:#}");
    std::fs::write(&path, "replicas: 2\n").unwrap();
    let ended = predicted(&manifests("", ""), &before);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("no object of Kubernetes in the manifests"), "{}", ended.stderr);
}

#[test]
fn lags_and_starts_are_those_of_an_earlier_run() {
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/story");
    let lapse = Lapse::new(["predict", "-", "--from", story, "--rate", "300/s", "--trials", "1", "--no-cures"]);
    let ended = lapse.stdin(&manifests("", "")).end_with(["--out", "shop.yaml"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("WILL LOSE REQUESTS: Deployment shop: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("endpoint-race, likely"), "{}", ended.stdout);
    let ended = Lapse::new(["predict", "/dev/null", "--from", "/nowhere"]).end();
    assert_eq!(ended.code(), Some(2));
    let json = Lapse::new(["predict", "-", "--from", story, "--rate", "200/s", "--trials", "1", "--no-cures"]);
    let answer = self::json(&json.stdin(&manifests("", "")).end_with(["--format", "json"]));
    let scenario = answer["scenario"].as_str().unwrap();
    assert!(scenario.contains("lag: 703ms..944ms"), "{scenario}");
    assert!(scenario.contains("# measured in the earlier run: from each deletion"), "{scenario}");
}

/// A folder with a program `helm` that prints these manifests for the chart in it, and fails for any other.
fn helm(folder: &Path, manifests: &str) -> PathBuf {
    let chart = folder.join("shop");
    std::fs::create_dir(&chart).unwrap();
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").unwrap();
    std::fs::write(folder.join("manifests.yaml"), manifests).unwrap();
    let says = "echo 'Error: values do not meet the schema' >&2; exit 1";
    let body = format!(
        "[ \"$1 $3\" = \"template {0}\" ] && exec cat {1}/manifests.yaml\n{says}\n",
        chart.display(),
        folder.display()
    );
    let program = folder.join("helm");
    std::fs::write(&program, format!("#!/bin/sh\n{body}")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    chart
}

#[test]
fn a_chart_is_rendered_by_helm_and_without_it_the_error_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let chart = helm(&folder, &manifests("", "lifecycle: {preStop: {sleep: {seconds: 1}}}"));
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let of = |chart: &Path, path: &str| {
        let flags = ["--rate", "200/s", "--trials", "1", "--on-sigterm", "drain", "--lag", "100ms", "--quiet"];
        Lapse::new(["predict".as_ref(), chart.as_os_str()]).env("PATH", path.as_ref()).end_with(flags)
    };
    let ended = of(&chart, &path);
    assert!([Some(0), Some(3)].contains(&ended.code()), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains(": Deployment shop: no probe failed"), "{}", ended.stdout);
    let ended = of(&chart, "/nowhere");
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("cannot run helm") && ended.stderr.contains("pipe it in"), "{}", ended.stderr);
    let other = folder.join("other");
    std::fs::rename(&chart, &other).unwrap();
    let ended = of(&other, &path);
    assert!(ended.stderr.contains("values do not meet the schema; if it needs values, pipe it in"), "{}", ended.stderr);
}

#[test]
fn what_is_no_rollout_is_refused_with_the_next_step() {
    let refused = |ended: Ended, says: &str| {
        assert_eq!(ended.code(), Some(2), "{}", ended.stdout);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    };
    let unrendered = manifests("", "").replace("name: shop", "name: '{{ .Release.Name }}'");
    refused(predicted(&unrendered, &[]), "unrendered `{{`");
    refused(predicted("a: 1\n", &[]), "there is no object of Kubernetes in the manifests");
    refused(predicted("a: [\n", &[]), "line");
    refused(predicted("", &[]), "there is no object of Kubernetes in the manifests");
    refused(predicted(&manifests("", ""), &["--workload", "stop"]), "these are: shop");
    refused(predicted(&manifests("", ""), &["--from", "/nowhere"]), "is neither a folder nor a file");
    refused(Lapse::new(["predict", "/nowhere"]).end(), "cannot read /nowhere");
    refused(Lapse::new(["predict", "-", "--lag", "5"]).end(), "is not a length of time");
}
