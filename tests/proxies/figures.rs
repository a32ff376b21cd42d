//! Runs lapse against several proxies at once, and reads from its report the figures to compare.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The figures of one proxy.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Failed probes by class.
    failed: BTreeMap<String, u64>,
    /// The time from `sent` to `done` of each kept failure, sorted.
    times: Vec<Duration>,
    /// Keep-alive connections found closed before a request was written.
    pub(crate) reconnects: u64,
}

/// A running lapse, and the folder of its report.
pub(crate) struct Running {
    child: Child,
    folder: TempDir,
}

/// Starts to hammer each of `targets` at 200/s for `length`; `request` has further flags.
pub(crate) fn measure(targets: &[(&str, String)], request: &[&str], length: Duration) -> Running {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
    command.args(["run", "--rate", "200/s", "--timeout", "3s", "--slow", "200ms", "--quiet"]).args(request);
    command.arg("--duration").arg(format!("{}ms", length.as_millis())).arg("--out").arg(folder.path().join("run"));
    for (name, url) in targets {
        command.arg("--target").arg(format!("{name}={url}"));
    }
    Running { child: command.stdout(Stdio::null()).spawn().unwrap(), folder }
}

impl Running {
    /// Waits for the report, prints a row of figures for each target, and returns them in the order of the targets.
    pub(crate) fn end(mut self, case: &str) -> Vec<Figures> {
        self.child.wait().unwrap();
        let text = std::fs::read_to_string(self.folder.path().join("run/report.json")).expect("lapse wrote a report");
        let report: Value = serde_json::from_str(&text).unwrap();
        let targets = report["targets"].as_array().unwrap();
        targets.iter().map(|target| Figures::of(&report, target, case)).collect()
    }

    /// As [`Running::end`], without blocking the other tasks.
    pub(crate) async fn end_async(self, case: &'static str) -> Vec<Figures> {
        tokio::task::spawn_blocking(move || self.end(case)).await.unwrap()
    }
}

impl Figures {
    fn of(report: &Value, target: &Value, case: &str) -> Self {
        let lanes = target["lanes"].as_array().unwrap();
        let mut failed = BTreeMap::new();
        for (class, count) in lanes.iter().flat_map(|lane| lane["classes"].as_object().unwrap()) {
            if !matches!(class.as_str(), "ok" | "slow") && !class.starts_with("not-sent") {
                *failed.entry(class.clone()).or_insert(0) += count.as_u64().unwrap();
            }
        }
        let kept = report["failures"]["kept"].as_array().unwrap().iter();
        let took = |failure: &Value| failure["done_ns"].as_u64().unwrap() - failure["sent_ns"].as_u64().unwrap();
        let own = kept.filter(|failure| failure["target"] == target["name"]);
        let mut times: Vec<_> = own.map(|failure| Duration::from_nanos(took(failure))).collect();
        times.sort_unstable();
        let reconnects = lanes.iter().map(|lane| lane["reconnects"].as_u64().unwrap()).sum();
        let slow: u64 = lanes.iter().filter_map(|lane| lane["classes"]["slow"].as_u64()).sum();
        let figures = Self { failed, times, reconnects };
        let name = target["name"].as_str().unwrap();
        let time = figures.times.get(figures.times.len() / 2);
        eprintln!("| {case} | {name} | {:?} | {time:.1?} | {slow} | {reconnects} |", figures.failed);
        figures
    }

    /// The number of failed probes.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The classes of the failures, in alphabetical order.
    pub(crate) fn classes(&self) -> Vec<&str> {
        self.failed.keys().map(String::as_str).collect()
    }

    /// The class with the most failures; `none` if there are no failures.
    pub(crate) fn most_common_class(&self) -> &str {
        self.failed.iter().max_by_key(|(_, count)| **count).map_or("none", |(class, _)| class)
    }

    /// The median time from `sent` to `done` of failures.
    pub(crate) fn time_to_fail(&self) -> Duration {
        self.times[self.times.len() / 2]
    }
}
