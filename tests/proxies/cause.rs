//! What lapse names as the cause in front of a real nginx: a limiter that answers the prober, and a reload.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::program::{Program, both_installed, nginx_that_limits, nginx_with_few_connections};

/// Hammers an nginx while `meanwhile` runs, and returns the name of the cause that comes first, with the explanation.
fn first_cause(nginx: &Program, rate: &str, meanwhile: impl FnOnce()) -> (String, String) {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
    command.args(["run", &nginx.url(), "--rate", rate, "--quiet", "--baseline", "1s", "--settle", "300ms"]);
    command.args(["--settle-limit", "1s", "--out"]).arg(&out).args(["--", "sleep", "2"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    meanwhile();
    child.wait().unwrap();
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    let explanation = &report["explanation"];
    let cases = explanation["cases"].as_array().unwrap().iter();
    let worst =
        cases.max_by_key(|case| case["failed"].as_u64()).map_or(&Value::Null, |case| &case["causes"][0]["name"]);
    (worst.as_str().unwrap_or_default().to_owned(), format!("{explanation:#}"))
}

#[test]
fn a_limiter_that_answers_the_prober_is_named() {
    if !both_installed() {
        return;
    }
    let (cause, explanation) = first_cause(&nginx_that_limits(100), "300/s", || {});
    assert_eq!(cause, "rate-limited", "{explanation}");
}

/// nginx may close an idle connection while a request is on its way to it; where that happened, it was the reload.
#[test]
fn a_reload_of_nginx_is_no_outage_of_new_connections() {
    if !both_installed() {
        return;
    }
    let nginx = nginx_with_few_connections(512);
    let (cause, explanation) = first_cause(&nginx, "1000/s", || {
        std::thread::sleep(Duration::from_millis(1_500));
        for _ in 0..4 {
            nginx.reload();
            std::thread::sleep(Duration::from_millis(250));
        }
    });
    // Without a cluster nothing tells of the reload: the connections alone point to it.
    assert!(matches!(cause.as_str(), "" | "proxy-reload" | "kept-connections-cut"), "{explanation}");
}
