//! `lapse lint`: what it reads, what it prints, its exit codes, and that its patches mend what it found.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};

mod mend;

/// A Deployment that loses requests in several ways, behind a Service.
const SHOP: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 1
  strategy:
    rollingUpdate:
      maxUnavailable: 1
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
      - name: web
        image: example.com/shop:1.2
        ports:
        - {name: http, containerPort: 8080}
        readinessProbe:
          httpGet: {path: /ready, port: http}
          failureThreshold: 1
        lifecycle:
          preStop:
            exec:
              command: [sh, -c, sleep 40]
---
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  selector: {app: shop}
  ports:
  - {name: http, port: 80, targetPort: http}
";

/// What loses nothing, as far as manifests can tell.
const FINE: &str = "apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
";

fn lint(args: &[&str], stdin: &str) -> Ended {
    Lapse::new(["lint"].iter().chain(args)).stdin(stdin).end()
}

fn json(args: &[&str], stdin: &str) -> Value {
    let ended = lint(&[&["--format", "json"], args].concat(), stdin);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}\n{}{}", ended.stdout, ended.stderr))
}

/// The findings as `rule path:line`.
fn places(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let place = |one: &Value| {
        format!("{} {}:{}", one["rule"].as_str().unwrap(), one["path"].as_str().unwrap(), one["line"].as_u64().unwrap())
    };
    findings.iter().map(place).collect()
}

#[test]
fn findings_have_the_field_and_its_line() {
    let report = json(&["-"], SHOP);
    let expected = [
        "one-replica spec.replicas:6",
        "max-unavailable-all spec.strategy.rollingUpdate.maxUnavailable:9",
        "readiness-gives-up-at-once spec.template.spec.containers[0].readinessProbe.failureThreshold:21",
        "grace-shorter-than-pre-stop spec.template.spec.containers[0].lifecycle.preStop:23",
    ];
    assert_eq!(places(&report), expected);
    let worst = &report["findings"][1];
    assert_eq!(worst["cause"], "max-unavailable");
    assert_eq!(worst["scenario"], "scenarios/max-unavailable-one.yaml");
    assert_eq!(worst["object"]["name"], "shop");
    let held = report["held"].as_array().unwrap().iter().map(|held| held["rule"].as_str().unwrap());
    assert!(
        held.clone().any(|rule| rule == "zero-grace") && held.clone().all(|rule| rule != "one-replica"),
        "{held:?}"
    );
}

#[test]
fn the_exit_code_follows_the_severity_that_is_denied() {
    let noted = FINE.replace("ports:", "sessionAffinity: ClientIP, ports:");
    for (args, stdin, code) in [
        (&["-"][..], SHOP, 1),
        (&["-", "--skip", "max-unavailable-all", "--skip", "grace-shorter-than-pre-stop"], SHOP, 0),
        (&["-", "--deny", "note"], FINE, 0),
        (&["-"], &noted, 0),
        (&["-", "--deny", "warning"], &noted, 0),
        (&["-", "--deny", "note"], &noted, 1),
        (&["-"], "", 3),
        (&["-"], "a: [", 3),
        (&["-"], &format!("a: [\n---\n{SHOP}"), 1),
    ] {
        for format in ["text", "json", "sarif", "github"] {
            let ended = lint(&[args, &["--format", format]].concat(), stdin);
            assert_eq!(ended.code(), Some(code), "{args:?} {format}\n{}{}", ended.stdout, ended.stderr);
        }
    }
}

#[test]
fn wrong_usage_is_refused_with_the_next_step() {
    for (args, named) in [
        (&[][..], "Usage"),
        (&["/no/such/file.yaml"], "/no/such/file.yaml"),
        (&["-", "--skip", "one-replicas"], "lapse lint --rules"),
        (&["-", "--skip", "replica"], "is it one-replica?"),
        (&["-", "--deny", "everything"], "everything"),
        (&["-", "--namespace", "prod"], "--release"),
        (&["-", "--fix", "--format", "json"], "--format"),
        (&["--release", "--all"], "--all"),
    ] {
        let ended = lint(args, "");
        assert_eq!(ended.code(), Some(2), "{args:?}\n{}", ended.stdout);
        assert!(ended.stderr.contains(named), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_folder_is_read_as_one_release() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let (deployment, service) = SHOP.split_once("---\n").unwrap();
    write("a/deployment.yaml", deployment);
    write("b/service.yml", service);
    write("notes.txt", "kind: [");
    write(".git/x.yaml", "kind: [");
    let path = folder.path().to_str().unwrap();
    let report = json(&[path], "");
    assert_eq!(places(&report), places(&json(&["-"], SHOP)), "the Service in the other file counts");
    assert_eq!(report["findings"][0]["source"], format!("{path}/a/deployment.yaml"));
    assert_eq!(report["said"].as_array().unwrap().len(), 0);

    write("chart/Chart.yaml", "name: shop");
    write("chart/templates/x.yaml", "a: {{ .Values.a }}");
    let ended = lint(&[path, "--skip", "max-unavailable-all", "--skip", "grace-shorter-than-pre-stop"], "");
    assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("helm template"), "{}", ended.stdout);
}

#[test]
fn an_upgrade_is_held_against_the_release_before() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("now.yaml");
    fs::write(&before, SHOP).unwrap();
    let args = ["-", "--before", before.to_str().unwrap()];
    assert_eq!(places(&json(&args, SHOP)), places(&json(&["-"], SHOP)), "nothing changes");
    let after = SHOP.replace("{app: shop}", "{app: store}").replace("targetPort: http", "targetPort: 8080");
    let changed = places(&json(&args, &after));
    assert!(changed.contains(&"selector-changed spec.selector:32".to_owned()), "{changed:?}");
    fs::write(&before, "a: [").unwrap();
    let ended = lint(&args, FINE);
    assert_eq!(ended.code(), Some(3), "what is before was not read\n{}", ended.stdout);
}

#[test]
fn an_empty_folder_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let ended = lint(&[folder.path().to_str().unwrap()], "");
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("no manifests"), "{}", ended.stderr);
}

/// A render that failed prints an error message, which must not pass.
#[test]
fn an_input_without_any_object_is_inconclusive() {
    for text in ["", "Error: chart \"shop\" not found\n", "apiVersion: v1\n"] {
        let ended = lint(&["-"], text);
        assert_eq!(ended.code(), Some(3), "{text:?}: {}", ended.stdout);
        assert!(ended.stdout.contains("INCONCLUSIVE: "), "{text:?}: {}", ended.stdout);
    }
}

#[test]
fn what_is_not_read_or_not_known_is_said_and_the_rest_is_linted() {
    let other = "apiVersion: example.com/v1\nkind: Wine\nmetadata: {name: x}\n";
    let text = format!("a: {{{{ .Values.a }}}}\n---\nb: [\n---\n{other}---\n{other}---\n{SHOP}");
    let ended = lint(&["-"], &text);
    assert_eq!(ended.code(), Some(1));
    for said in
        ["-:1: the document has an unrendered `{{`", "-:3: the document is not YAML", "Wine x2", "2 documents or files"]
    {
        assert!(ended.stdout.contains(said), "{said}\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("max-unavailable-all"), "{}", ended.stdout);
}

#[test]
fn the_text_says_why_how_to_mend_it_and_where_to_see_it() {
    let ended = lint(&["-"], SHOP);
    for part in [
        "error    Deployment/shop  max-unavailable-all",
        "spec.strategy.rollingUpdate.maxUnavailable",
        "the only pod may go before another one is ready",
        "Fix: ",
        "See it: lapse run scenarios/max-unavailable-one.yaml",
        "FAIL: 2 errors, 1 warning, 1 note in 2 objects",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.len() <= 100), "{}", ended.stdout);
    let rendered = lint(&["-"], &format!("---\n# Source: shop/templates/pods.yaml\n{SHOP}")).stdout;
    assert!(rendered.contains("spec.replicas  of shop/templates/pods.yaml\n"), "{rendered}");
    assert!(lint(&["-"], FINE).stdout.ends_with("PASS: 0 errors, 0 warnings, 0 notes in 1 object\n"));
}

#[test]
fn sarif_names_rules_files_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop 1.yaml");
    fs::write(&file, SHOP).unwrap();
    let ended = lint(&[file.to_str().unwrap(), "--format", "sarif"], "");
    let log: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][1];
    assert_eq!(result["ruleId"], "max-unavailable-all");
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("shop%201.yaml"), "{place}");
    assert_eq!(place["region"]["startLine"], 9);
    assert!(result["partialFingerprints"].is_object());
}

#[test]
fn github_marks_lines_of_files_and_shows_no_more_than_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.yaml");
    let many: Vec<_> = (0..12).map(|nth| SHOP.replace("shop", &format!("shop{nth}"))).collect();
    fs::write(&file, many.join("---\n")).unwrap();
    let ended = lint(&[file.to_str().unwrap(), "--format", "github"], "");
    let errors: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10, "{}", ended.stdout);
    assert!(
        errors[0].contains("/shop.yaml,line=9,col=7,title=max-unavailable-all Deployment/shop0::"),
        "{}",
        errors[0]
    );
    assert!(ended.stdout.contains("and 14 more of severity error"), "{}", ended.stdout);
    let stdin = lint(&["-", "--format", "github"], SHOP).stdout;
    assert!(stdin.starts_with("::error title="), "GitHub has no file for standard input: {stdin}");
}

#[test]
fn the_rules_are_listed_with_their_causes() {
    let ended = lint(&["--rules"], "");
    assert_eq!(ended.code(), Some(0));
    let line = ended.stdout.lines().find(|line| line.starts_with("no-pre-stop ")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words, ["no-pre-stop", "warning", "endpoint-race"]);
}

#[test]
fn a_release_is_asked_of_helm() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Lapse::new(["lint", "--release", "shop"]).env("PATH", folder.path().as_os_str()).end();
    assert_eq!(missing.code(), Some(2));
    assert!(missing.stderr.contains("cannot run helm for the release shop"), "{}", missing.stderr);

    script(&folder.path().join("helm"), "[ \"$*\" = 'get manifest shop --namespace prod' ] && cat <<'E'\n", SHOP);
    let found = Lapse::new(["lint", "--release", "shop", "-n", "prod"]).env("PATH", &path_with(folder.path())).end();
    assert_eq!(found.code(), Some(1), "{}", found.stderr);
    assert!(found.stdout.contains("release shop\n"), "{}", found.stdout);

    script(&folder.path().join("helm"), "echo 'Error: release: not found' >&2; exit 1\n: <<'E'\n", "");
    let unknown = Lapse::new(["lint", "--release", "shop"]).env("PATH", &path_with(folder.path())).end();
    assert_eq!(unknown.code(), Some(2));
    assert!(unknown.stderr.contains("helm has no manifest of shop: release: not found"), "{}", unknown.stderr);
}

fn path_with(folder: &Path) -> std::ffi::OsString {
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// Writes a program of the shell: `head`, which ends in a here-document, and its text.
fn script(path: &Path, head: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{head}{text}E\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
