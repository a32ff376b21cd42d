//! `lapse run --fail-fast`: runs that end at a breach, what becomes of their commands, and breaches that may be undone.

use std::path::Path;

use super::cli::verdict;
use super::support::lapse::{Ended, Lapse};
use super::support::scripted::{Answer, Scripted, Speaks};

/// A service that answers 503 from 1.5 s after its first request on, for good or for a time in milliseconds.
fn failing_for(ms: u64) -> Scripted {
    let fails = move |since: u64| since.checked_sub(1_500).is_some_and(|since| since < ms);
    Scripted::start(Speaks::Http1, None, move |_, since| Answer::new(if fails(since) { 503 } else { 200 }))
}

fn run(server: &Scripted, args: &[&str]) -> Lapse {
    Lapse::run([server.url().as_str(), "--rate", "200/s", "--resolution", "1s"]).and(args)
}

/// A run around a shell command that writes `done` into the folder at its end.
fn around(server: &Scripted, args: &[&str], folder: &Path, command: &str) -> Ended {
    let command = format!("cd {}; {command}; touch done", folder.display());
    let short = ["--baseline", "300ms", "--settle", "300ms"];
    run(server, &short).and(args).and(["--", "sh", "-c", &command]).end()
}

fn seconds(ended: &Ended) -> f64 {
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(ended.run_folder().join("report.json")).unwrap()).unwrap();
    let phases = json["run"]["phases"].as_array().unwrap();
    phases.last().unwrap()["to_ns"].as_f64().unwrap() / 1e9
}

/// The notes of the report that tell of the early end.
fn notes(ended: &Ended) -> Vec<String> {
    ended.report().notes.into_iter().filter(|note| note.contains("--fail-fast")).collect()
}

#[test]
fn a_breach_ends_the_run_and_the_command_and_the_verdict_is_that_of_the_budget() {
    let (server, folder) = (failing_for(u64::MAX), tempfile::tempdir().unwrap());
    let ended = around(&server, &["--fail-fast", "--max-outage", "200ms"], folder.path(), "exec sleep 100");
    assert_eq!(verdict(&ended), (Some(1), "fail".into()), "{}\n{}", ended.stdout, ended.stderr);
    // The failures begin at 1.5 s, and have lasted for long enough 0.2 s later; a command gets 3 s and then 2 s to end.
    assert!(seconds(&ended) < 20.0, "{}", seconds(&ended));
    assert!(!folder.path().join("done").exists());
    let [note] = &notes(&ended)[..] else { panic!("{:?}", ended.report().notes) };
    assert!(note.contains("the command was told to stop: --max-outage: "), "{note}");
    let kinds: Vec<_> = ended.report().events.into_iter().map(|event| event.kind).collect();
    let place = |kind: &str| kinds.iter().position(|one| one == kind).unwrap_or_else(|| panic!("{kind}: {kinds:?}"));
    assert!(place("ended-early") < place("exited"));
    // The journal tells it as well, and is judged again by another budget as any other run.
    let again = |args: &[&str]| Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end_with(args);
    assert!(!again(&["--format", "junit"]).stdout.contains("the command succeeds"), "it was lapse that stopped it");
    assert_eq!(again(&["--format", "json"]).bytes(), std::fs::read(ended.run_folder().join("report.json")).unwrap());
    assert_eq!(again(&["--max-failed", "100%"]).code(), Some(0));
}

#[test]
fn a_command_that_is_left_alone_ends_by_itself_and_the_run_with_it() {
    let (server, folder) = (failing_for(u64::MAX), tempfile::tempdir().unwrap());
    let args = ["--fail-fast=leave", "--max-failed", "10", "--settle-limit", "60s"];
    let ended = around(&server, &args, folder.path(), "sleep 3");
    assert_eq!(verdict(&ended), (Some(1), "fail".into()), "{}\n{}", ended.stdout, ended.stderr);
    assert!(folder.path().join("done").exists(), "{}", ended.stderr);
    assert!((3.0..30.0).contains(&seconds(&ended)), "it neither ended before nor settled: {}", seconds(&ended));
    let [note] = &notes(&ended)[..] else { panic!("{:?}", ended.report().notes) };
    assert!(note.contains("the run ends once the command has ended: --max-failed: "), "{note}");
    // A command that fails by itself is one that failed.
    let ended = around(&failing_for(u64::MAX), &args, folder.path(), "sleep 3; exit 7");
    assert_eq!(ended.code(), Some(4), "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn without_a_command_the_run_ends_and_a_share_that_may_fall_again_ends_nothing() {
    let ended = run(&failing_for(u64::MAX), &["--fail-fast", "--duration", "60s"]).end();
    assert_eq!(verdict(&ended), (Some(1), "fail".into()), "{}\n{}", ended.stdout, ended.stderr);
    assert!(seconds(&ended) < 30.0, "{}", seconds(&ended));
    let ended = run(&failing_for(300), &["--fail-fast", "--duration", "4s", "--max-failed", "50%"]).end();
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}\n{}", ended.stdout, ended.stderr);
    assert!((seconds(&ended) - 4.0).abs() < 0.001 && notes(&ended).is_empty(), "{}", ended.stdout);
}
