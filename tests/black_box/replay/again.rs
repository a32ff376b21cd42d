//! Twelve recorded runs, each played to lapse itself, which has to see what they saw: each class as often, and each outage
//! and each disruption where it was.
//!
//! Two were recorded on a cluster, eight in the lab (`lapse run scenarios/NAME.yaml --rate 400/s --baseline 500ms --settle
//! 500ms`), and two at nginx and haproxy before two servers that were killed and came back.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{measure, story};
use crate::support::lapse::Lapse;
use crate::support::replay::{Comparison, Replay, assert_seen_again, list_of};
use crate::support::report::Report;

/// A recorded run, and the part of it in which all its failures lie.
struct Row {
    run: &'static str,
    from_ms: u64,
    to_ms: u64,
    rate: &'static str,
    timeout: &'static str,
    /// Whether new connections were lost at random. Then what the lane `reused` loses depends on which of its connections
    /// end and when it has to open others, which is another chance for each client.
    by_chance: bool,
}

const fn row(run: &'static str, from_ms: u64, to_ms: u64) -> Row {
    Row { run, from_ms, to_ms, rate: "400/s", timeout: "6s", by_chance: false }
}

const ROWS: [Row; 12] = [
    Row { rate: "1000/s", by_chance: true, ..row("story", 6_500, 9_200) },
    Row { rate: "1000/s", ..row("story-fixed", 5_500, 7_500) },
    row("blue-green-gap", 300, 1_900),
    row("deaf-to-sigterm", 1_800, 2_800),
    row("elb-deregistration-lag", 700, 2_200),
    Row { by_chance: true, ..row("exit-at-once", 700, 2_000) },
    Row { by_chance: true, ..row("grace-shorter-than-pre-stop", 1_100, 2_600) },
    row("ingress-holds-a-stale-list", 300, 2_900),
    Row { by_chance: true, ..row("no-readiness-probe", 900, 2_200) },
    row("recreate", 300, 1_900),
    Row { rate: "200/s", timeout: "3s", ..row("nginx", 800, 2_990) },
    Row { rate: "200/s", timeout: "3s", ..row("haproxy", 700, 2_990) },
];

/// How many replays are measured at once.
const SIDE_BY_SIDE: usize = 4;

/// The journal of a recorded run that is kept for these tests.
fn small(run: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/black_box/recorded/{run}.lapse.tar.gz"))
}

impl Row {
    fn path(&self) -> PathBuf {
        match self.run {
            "story" => story(),
            "story-fixed" => story().with_file_name("story-fixed"),
            run => small(run),
        }
    }

    /// What differs between the recorded run and what lapse measures of its replay.
    fn objections(&self) -> Vec<String> {
        let path = self.path();
        let json = Lapse::new(["report", path.to_str().unwrap(), "--format", "json"]).end().stdout;
        let (recorded, was): (_, Value) = (Report::parse(&json), serde_json::from_str(&json).unwrap());
        let (from, to) = (format!("{}ms", self.from_ms), format!("{}ms", self.to_ms));
        let replay = Replay::start(&path, ["--from", &from, "--to", &to]);
        let length = self.to_ms - self.from_ms;
        let ended = measure(&replay.url(), self.rate, self.timeout, &format!("{length}ms"));
        let json = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
        let (measured, is): (_, Value) = (Report::parse(&json), serde_json::from_str(&json).unwrap());
        let comparison = Comparison {
            recorded: &recorded,
            measured: &measured,
            started: replay.started(),
            from: self.from_ms * 1_000_000,
            length: length * 1_000_000,
        };
        let of_a_connection = |class: &str| matches!(class, "refused" | "connect-timeout" | "reset");
        let counts = |lane: &str, class: &str| lane == "new" || !self.by_chance || !of_a_connection(class);
        let mut objections = comparison.of_counts(counts);
        for lane in ["reused", "new"].into_iter().filter(|lane| *lane == "new" || !self.by_chance) {
            for key in ["outages", "disruptions"] {
                let of = comparison.of_stretches(lane, &list_of(&was, lane, key), &list_of(&is, lane, key));
                objections.extend(of.into_iter().map(|objection| format!("{lane} {key}: {objection}")));
            }
        }
        objections.into_iter().map(|objection| format!("{}: {objection}", self.run)).collect()
    }
}

#[test]
fn twelve_recorded_runs_are_seen_again() {
    let mut again = Vec::new();
    for rows in ROWS.chunks(SIDE_BY_SIDE) {
        std::thread::scope(|scope| {
            let measured: Vec<_> = rows.iter().map(|row| (row, scope.spawn(|| row.objections()))).collect();
            let of_rows = measured.into_iter().map(|(row, one)| (row, one.join().unwrap()));
            again.extend(of_rows.filter(|(_, objections)| !objections.is_empty()));
        });
    }
    // Those that were not seen again beside others are played alone.
    for (row, objections) in again {
        eprintln!("played again: {objections:#?}");
        assert_seen_again(|| row.objections());
    }
}

#[test]
fn idle_connections_end_when_those_of_the_run_did() {
    // An ingress that reloads closes its idle connections: the run found 19 of them closed, and lost one request.
    assert_seen_again(|| {
        let replay = Replay::start(&small("reload-under-keep-alive"), []);
        let measured = measure(&replay.url(), "400/s", "6s", "3800ms").report();
        let kept = measured.lane("reused");
        // A prober that is held up finds several closed at once, or one that it has not used since.
        let found = (5..=38).contains(&kept.reconnects);
        let lost = kept.failed().values().sum::<u64>();
        (!found || lost > 3)
            .then(|| format!("{} found closed, {:?}", kept.reconnects, kept.classes))
            .into_iter()
            .collect()
    });
}
