//! A run of which only its report is left is played more coarsely, and a seed decides what the report leaves open.

use std::path::Path;

use super::{measure, story};
use crate::support::replay::{Comparison, Edges, Replay, assert_seen_again, list};
use crate::support::report::Report;

/// A folder with the report of the recorded upgrade and without its journal.
fn without_journal() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(story().join("report.json"), folder.path().join("report.json")).unwrap();
    folder
}

#[test]
fn an_upgrade_is_seen_again_of_its_report_alone() {
    let folder = without_journal();
    assert_seen_again(|| {
        let replay = Replay::start(folder.path(), ["--from", "6s", "--to", "9.5s", "--seed", "7"]);
        let ended = measure(&replay.url(), "1000/s", "6s", "3500ms");
        let (recorded, measured) = (Report::read(&story()), ended.report());
        let (started, from, length) = (replay.started(), 6_000_000_000, 3_500_000_000);
        let comparison = Comparison { recorded: &recorded, measured: &measured, started, from, length };
        let mut objections = comparison.of_counts(|lane, _| lane == "new");
        let disruption = |folder: &Path| Edges::around(&list(folder, "new", "disruptions"));
        objections.extend(comparison.of_edges(&disruption(&story()), &disruption(&ended.run_folder())));
        let told = replay.end().stdout;
        assert!(told.contains("\ncoarser: only a report is left of this run") && told.contains("(seed 7)"), "{told}");
        objections
    });
}

#[test]
fn a_seed_is_printed_and_a_journal_needs_none() {
    let folder = without_journal();
    let file = folder.path().join("report.json");
    let told = Replay::start(&file, []).end().stdout;
    assert!(told.contains("(seed "), "the report itself can be named: {told}");
    let told = Replay::start(&story(), ["--seed", "7"]).end().stdout;
    assert!(told.contains("note: the journal has each probe") && !told.contains("coarser"), "{told}");
}
