//! `lapse run --wait-up`: a service that comes up, one that does not, and a wait that is given up.

use std::time::Duration;

use rustix::process::Signal;

use super::cli::{ALLOW_UNSEEN, verdict};
use super::support::lapse::{Ended, Lapse};
use super::support::listener;
use super::support::scripted::{Answer, Scripted, Speaks};

/// A service that answers 503 until a time in milliseconds after its first request.
fn up_after(ms: u64) -> Scripted {
    Scripted::start(Speaks::Http1, None, move |_, since| Answer::new(if since < ms { 503 } else { 200 }))
}

fn waiting(url: &str, limit: &str) -> Lapse {
    let short = ["--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", ALLOW_UNSEEN];
    Lapse::run([url, "--wait-up", limit]).and(short)
}

fn kinds(ended: &Ended) -> Vec<String> {
    ended.report().events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn the_run_begins_once_the_service_was_up_for_a_second_and_counts_no_probe_before() {
    let server = up_after(800);
    let ended = waiting(&server.url(), "60s").and(["--", "true"]).end();
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.report();
    assert_eq!(report.target().totals.failed, 0, "what failed before is in no figure");
    assert!(report.run.anchor.monotonic_ns >= server.began() + 1_800_000_000, "0.8 s down, then 1 s of calm");
    assert_eq!(report.run.phases[0].name, "baseline");
    assert!(kinds(&ended).contains(&"waited-up".to_owned()), "{:?}", kinds(&ended));
    assert!(ended.stderr.contains("waiting until 127."), "{}", ended.stderr);
    assert!(ended.stderr.contains("up for 1.00 s after "), "{}", ended.stderr);
}

#[test]
fn a_service_that_does_not_come_up_is_inconclusive_and_the_command_is_not_started() {
    let server = up_after(u64::MAX);
    let mark = tempfile::tempdir().unwrap();
    let command = format!("touch {}", mark.path().join("ran").display());
    let ended = waiting(&server.url(), "2s").and(["--report", "junit=lapse.xml", "--", "sh", "-c", &command]).end();
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    assert!(!mark.path().join("ran").exists());
    let text = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["verdict"]["result"], &report["run"]["command"]["started_ns"]),
        (&"inconclusive".into(), &().into())
    );
    assert_eq!(report["targets"][0]["totals"]["resolved"], 0);
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("not up for 1.00 s within --wait-up 2.00 s: 127."), "{text}");
    assert!(text.contains("the last with status 503 (a status that is not expected)"), "{text}");
    let junit = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end_with(["--format", "junit"]).stdout;
    assert!(junit.contains("not up for 1.00 s within") && !junit.contains("the command succeeds"), "{junit}");
    // A report made again of the journal says the same.
    let again = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end_with(["--format", "json"]);
    assert_eq!(again.bytes(), std::fs::read(ended.run_folder().join("report.json")).unwrap());
    assert!(again.stdout.contains("not up for 1.00 s within"), "{}", again.stdout);
}

#[test]
fn a_port_at_which_nothing_listens_is_named_and_a_signal_ends_the_wait() {
    let closed = listener::bind().local_addr().unwrap();
    let ended = waiting(&format!("http://{closed}/"), "1500ms").and(["--duration", "1s"]).end();
    assert_eq!(ended.code(), Some(3), "{}\n{}", ended.stdout, ended.stderr);
    let said = |ended: &Ended| {
        ended.report().verdict.doubts.iter().any(|doubt| doubt.to_string().contains("the last with refused ("))
    };
    assert!(said(&ended), "{}", ended.stdout);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let running = Lapse::new(["run", &format!("http://{closed}/"), "--wait-up", "60s", "--duration", "1s", "--out"]);
    let running = running.and([&out]).start();
    // The folder is made just before the wait, and signals are caught at its beginning.
    while !out.exists() || !running.stderr().contains("waiting until") {
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code(), Some(130), "{}\n{}", ended.stdout, ended.stderr);
    assert!(out.join("report.json").is_file());
}

#[test]
fn a_time_too_short_to_see_a_second_of_calm_is_refused() {
    let ended = waiting("http://127.0.0.1:9/", "1s").and(["--duration", "1s"]).end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("--wait-up 1s"), "{}", ended.stderr);
}
