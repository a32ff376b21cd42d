//! A prober that is stopped or throttled, in front of a healthy nginx with few connections: no probe fails of it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::program::{both_installed, nginx_with_few_connections};

/// How long the prober runs before it is held up.
const BEFORE: Duration = Duration::from_secs(1);
/// An inconclusive run.
const INCONCLUSIVE: i32 = 3;

/// Runs lapse at `rate` against an nginx with 128 connections while `hold_up` stops and continues it; returns the exit
/// code and the report.
fn measure(rate: &str, hold_up: impl FnOnce(&Child)) -> (Option<i32>, Value) {
    let (nginx, folder) = (nginx_with_few_connections(128), TempDir::new().unwrap());
    let out = folder.path().join("run");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
    command.args(["run", &nginx.url(), "--rate", rate, "--duration", "4s", "--quiet", "--out"]).arg(&out);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(BEFORE);
    hold_up(&child);
    let code = child.wait().unwrap().code();
    (code, serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap())
}

/// Stops the prober for `length`, as a machine does that suspends or migrates it.
fn stop(prober: &Child, length: Duration) {
    let pid = Pid::from_child(prober);
    kill_process(pid, Signal::STOP).unwrap();
    std::thread::sleep(length);
    kill_process(pid, Signal::CONT).unwrap();
}

/// All probes of the run by class.
fn classes(report: &Value) -> Vec<(String, u64)> {
    let lanes = report["targets"][0]["lanes"].as_array().unwrap().iter();
    let classes = lanes.flat_map(|lane| lane["classes"].as_object().unwrap());
    classes.map(|(class, count)| (class.clone(), count.as_u64().unwrap())).collect()
}

fn assert_nothing_failed(report: &Value) {
    let all = classes(report);
    let failed =
        all.iter().find(|(class, _)| !matches!(class.as_str(), "ok" | "slow") && !class.starts_with("not-sent"));
    assert_eq!(failed, None, "{all:?}");
}

#[test]
fn a_prober_that_is_stopped_loses_nothing_and_says_what_it_could_not_have_seen() {
    if !both_installed() {
        return;
    }
    let length = Duration::from_millis(300);
    // 600 slots pile up: each on a connection of its own would be more than nginx has room for.
    let (code, report) = measure("2000/s", |prober| stop(prober, length));
    assert_nothing_failed(&report);
    let unseen = report["targets"][0]["totals"]["unseen"]["longest_ns"].as_u64().unwrap();
    assert!(Duration::from_nanos(unseen) >= length, "{unseen}");
    assert_eq!(code, Some(INCONCLUSIVE), "{}", report["verdict"]);
}

#[test]
fn a_prober_with_a_tenth_of_a_processor_loses_nothing() {
    if !both_installed() {
        return;
    }
    let (_, report) = measure("500/s", |prober| {
        for _ in 0..20 {
            stop(prober, Duration::from_millis(90));
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert_nothing_failed(&report);
    assert!(classes(&report).iter().any(|(class, _)| class == "not-sent stall"), "{:?}", classes(&report));
}
