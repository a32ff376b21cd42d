//! `lapse init`: a plan for a chart, for manifests, for a release, and for a URL.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::support::lapse::{Ended, Lapse};

const SHOP: &str = "
kind: Deployment
apiVersion: apps/v1
metadata: {name: shop}
spec:
  replicas: 40
  minReadySeconds: 5
  template:
    metadata: {labels: {app: shop}}
    spec: {terminationGracePeriodSeconds: 90, containers: [{name: web, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  tls: [{hosts: [shop.example.com]}]
  rules: [{host: shop.example.com, http: {paths: [{path: /api, backend: {service: {name: shop, port: {number: 8080}}}}]}}]
";

/// Checks the plan `text` with lapse itself: its output, which has the flags that it amounts to.
fn checked(folder: &Path, text: &str) -> String {
    fs::write(folder.join("checked.yaml"), text).unwrap();
    let ended = Lapse::new(["plan", "check", "checked.yaml"]).folder(folder).end();
    assert_eq!(ended.code(), Some(0), "{}{text}", ended.stderr);
    ended.stdout
}

fn init(folder: &Path, words: &[&str]) -> Ended {
    Lapse::new(["init"]).and(words).folder(folder).end()
}

#[test]
fn manifests_give_the_url_and_the_time_that_a_rollout_may_take() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Lapse::new(["init", "-", "--out", "-"]).folder(folder.path()).stdin(SHOP).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let text = ended.stdout;
    assert!(text.contains("\n  # Ingress shop leads there\n  shop: https://shop.example.com/api\n"), "{text}");
    assert!(text.contains("  # shop: svc/shop:8080  # Service shop, from a machine"), "{text}");
    // Half of 40 pods at once, each 10 s until it is ready and 5 s more, and 90 s for the last to end: twice 120 s.
    let says = "(40 pods in 2 steps) may take 120 s, if a pod takes 10 s to start.\n  settleLimit: 4m\n";
    assert!(text.contains(says), "{text}");
    let flags = checked(folder.path(), &text);
    assert!(
        flags.contains("'--target=shop=https://shop.example.com/api'") && flags.contains("profiles: ci"),
        "{flags}"
    );
}

#[test]
fn a_url_and_a_chart_make_a_plan_and_no_file_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let url = "https://shop.example.com/health?x=%7By%7D";
    let ended = init(folder, &["--url", url]);
    assert_eq!((ended.code(), ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("lapse plan check lapse.yaml"), "{}", ended.stderr);
    let text = fs::read_to_string(folder.join("lapse.yaml")).unwrap();
    assert!(checked(folder, &text).contains(&format!("'--target=service={url}'")), "{text}");

    let ended = init(folder, &["--url", "http://127.0.0.1/"]);
    assert_eq!(ended.code(), Some(2));
    assert!(
        ended.stderr.contains("lapse.yaml is there already") && ended.stderr.contains("--force"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(folder.join("lapse.yaml")).unwrap(), text);
    assert_eq!(init(folder, &["--url", "http://127.0.0.1/", "--force"]).code(), Some(0));

    let chart = folder.join("shop");
    fs::create_dir(&chart).unwrap();
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").unwrap();
    fs::write(folder.join("manifests.yaml"), SHOP).unwrap();
    let helm = folder.join("helm");
    // It renders a chart as the release of its folder, or of the name that is typed.
    fs::write(&helm, format!("#!/bin/sh\n[ \"$1 $2\" = \"template web\" ] && exec cat {}/manifests.yaml\necho \"Error: no $2\" >&2; exit 1\n", folder.display())).unwrap();
    fs::set_permissions(&helm, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let with = |words: &[&str]| {
        Lapse::new(["init", "shop", "--out", "-"]).and(words).folder(folder).env("PATH", OsStr::new(&path)).end()
    };
    let ended = with(&["--release", "web", "-n", "prod"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let flags = checked(folder, &ended.stdout);
    assert!(flags.contains("'--release=web'") && flags.contains("'--namespace=prod'"), "{flags}");
    let ended = with(&[]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("no shop"), "{}", ended.stderr);
}

#[test]
fn odd_names_are_quoted_and_what_cannot_be_measured_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let odd = SHOP
        .replace("{name: shop}\nspec:\n  replicas", "{name: \"true\"}\nspec:\n  replicas")
        .replace("host: shop.example.com, http", "host: \"a b\\n# c: d\", http")
        .replace("hosts: [shop.example.com]", "hosts: []");
    let ended = Lapse::new(["init", "-", "--out", "-"]).folder(folder.path()).stdin(&odd).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("# Ingress shop cannot be measured: "), "{}", ended.stdout);
    let flags = checked(folder.path(), &ended.stdout);
    assert!(flags.contains("'--target=true=svc/shop:8080'") && flags.contains("'--name=true'"), "{flags}");
    for (words, says) in [
        (&["--url", "shop"][..], "has no scheme"),
        (&["nothere"], "cannot read nothere"),
        (&["-n", "prod", "--url", "http://127.0.0.1/"], "--release"),
    ] {
        let ended = init(folder.path(), words);
        assert_eq!(ended.code(), Some(2), "{words:?}");
        assert!(ended.stderr.contains(says), "{words:?}: {}", ended.stderr);
    }
}
