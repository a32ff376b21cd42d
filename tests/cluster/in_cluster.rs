//! `lapse run --in-cluster`: an upgrade seen by a Job beside the service, beside what a prober at the node saw of it.

use std::process::Command;

use super::release::{Release, run};
use super::report::Report;

/// What may lie between the failures of the two probers: they reach the service on different ways.
const APART: u64 = 2_000_000_000;

fn kubectl(args: &[&str]) -> String {
    let ended = run(Command::new("kubectl").args(args));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8_lossy(&ended.stdout).trim().to_owned()
}

fn jobs() -> String {
    kubectl(&["get", "jobs", "-l", "app.kubernetes.io/name=lapse-prober", "-o", "name"])
}

#[test]
fn a_job_beside_the_service_sees_the_upgrade_that_a_prober_at_the_node_sees_and_is_gone_after_it() {
    let Some(wine) = Release::install("wine-inside", "") else { return };
    let address = kubectl(&["get", "service", "wine-inside", "-o", "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}"]);
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("inside");
    let words = ["run", &format!("http://{address}/"), "--in-cluster", "--in-cluster-image", "lapse-pod:dev"];
    let mut inside = vec![env!("CARGO_BIN_EXE_lapse").to_owned()];
    inside.extend(words.map(str::to_owned));
    inside.extend(["--quiet", "--baseline=2s", "--settle=2s", "--resolution=10m", "--out"].map(str::to_owned));
    inside.extend([folder.display().to_string(), "--".to_owned()]);
    inside.extend(wine.upgrade("release=2", &["--wait", "--timeout", "90s"]));

    let node = wine.hammer(&[], &inside);
    assert_eq!(jobs(), "", "the job is deleted");
    let inside = Report::read(&folder, None);
    assert!(inside.was_followed(), "{}", inside.doubts());
    assert!(inside.failed(0) > 0 && node.failed(0) > 0, "{} {}", inside.summary(), node.summary());
    let [one, other] = [&inside, &node].map(|report| {
        let (from, to) = report.failing_span();
        (report.monotonic(from), report.monotonic(to))
    });
    assert!(one.0 <= other.1 + APART && other.0 <= one.1 + APART, "{one:?} {other:?}");
    assert!(inside.events("pod-deleting").len() >= 2);
    assert!(inside.notes().contains("the probes were sent elsewhere, by job/lapse-prober-"), "{}", inside.notes());
}

#[test]
fn an_image_that_cannot_be_pulled_is_named_and_no_job_stays() {
    let Some(_wine) = Release::install("wine-image", "") else { return };
    let home = tempfile::tempdir().unwrap();
    let mut lapse = Command::new(env!("CARGO_BIN_EXE_lapse"));
    lapse.args([
        "run",
        "http://127.0.0.1:9/",
        "--duration=1s",
        "--in-cluster",
        "--in-cluster-image=localhost:9/none:1",
    ]);
    let ended = run(lapse.arg("--out").arg(home.path().join("run")));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(
        said.contains("cannot use the image localhost:9/none:1 (") && said.contains("--in-cluster-image"),
        "{said}"
    );
    assert_eq!(jobs(), "");
}
