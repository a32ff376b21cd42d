//! `lapse compare`: two runs against servers of which one fails for longer, and what a user types wrong.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cli::{ALLOW_UNSEEN, healthy};
use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse, Running};
use super::support::server::{Protocol, Server};

/// A run whose event is a command of five seconds.
fn run(server: &Server) -> Lapse {
    let args = ["--rate", "200/s", "--baseline", "500ms", "--settle", "500ms", ALLOW_UNSEEN, "--", "sleep", "5"];
    Lapse::against(server, Protocol::Http1, args)
}

fn compare(folders: &[PathBuf], args: &[&str]) -> Ended {
    let folders = folders.iter().map(|folder| folder.as_os_str());
    Lapse::new(["compare".as_ref()].into_iter().chain(folders).chain(args.iter().map(AsRef::as_ref)))
        .env("COLUMNS", "400".as_ref())
        .end()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name)
}

#[test]
fn a_server_that_fails_for_two_seconds_is_a_regression_of_one_that_does_not_and_the_other_way_round_none() {
    // The fault begins after the baseline, however slowly lapse starts: the server counts from its first connection.
    let failing = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 2_500, 4_500));
    let sound = healthy();
    let [failing, sound] = [run(&failing), run(&sound)].map(Lapse::start).map(Running::end);
    let (bad, good) = (failing.run_folder(), sound.run_folder());

    let worse = compare(&[good.clone(), bad.clone()], &[]);
    assert_eq!(worse.code(), Some(1), "{}\n{}", worse.stdout, worse.stderr);
    assert!(worse.stdout.starts_with("REGRESSION: "), "{}", worse.stdout);
    for figure in ["failed of reused", "failed of new", "downtime", "disruption", "outage"] {
        let line = worse
            .stdout
            .lines()
            .find(|line| line.trim_start().starts_with("worse ") && line.contains(&format!(" {figure} ")));
        assert!(line.is_some(), "{figure} in\n{}", worse.stdout);
    }

    let better = compare(&[bad.clone(), good.clone()], &[]);
    assert_eq!(better.code(), Some(0), "{}\n{}", better.stdout, better.stderr);
    assert!(better.stdout.starts_with("NO REGRESSION: ") && better.stdout.contains("better"), "{}", better.stdout);

    let all = "failed=any,downtime=5s,disruption=any,outage=1m";
    let tolerated = compare(&[good.clone(), bad.clone()], &["--tolerate", all]);
    assert_eq!(tolerated.code(), Some(0), "{}", tolerated.stdout);
    assert!(tolerated.stdout.contains("tolerated "), "{}", tolerated.stdout);
    let exceeded = compare(
        &[good.clone(), bad.clone()],
        &["--tolerate", "failed=any,disruption=any,outage=any", "-t", "downtime=1s"],
    );
    assert_eq!(exceeded.code(), Some(1), "{}", exceeded.stdout);

    let json = compare(&[good.clone(), bad.clone()], &["--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let downtime = &json["runs"][0]["figures"][2];
    let difference = downtime["difference"]["duration"].clone();
    let bound = |key: &str| difference[key].as_i64().unwrap();
    assert_eq!((&downtime["figure"], &downtime["regression"]), (&"downtime".into(), &true.into()));
    assert!(bound("low_ns") <= 2_000_000_000 && 2_000_000_000 <= bound("high_ns"), "{difference}");

    let page = compare(&[good, bad], &["--format", "html"]).stdout;
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("REGRESSION") && page.contains("default-src 'none'"));
}

#[test]
fn a_run_compared_with_itself_is_no_different() {
    for name in ["story", "story-fixed"] {
        let same = compare(&[example(name), example(name)], &[]);
        assert_eq!(same.code(), Some(0), "{}", same.stdout);
        assert!(same.stdout.contains("there is no difference that this many probes could show"), "{}", same.stdout);
    }
}

#[test]
fn the_worked_examples_are_worse_one_way_and_better_the_other() {
    let [story, fixed] = ["story", "story-fixed"].map(example);
    let better = compare(&[story.clone(), fixed.clone()], &[]);
    assert_eq!(better.code(), Some(0), "{}", better.stdout);
    assert!(better.stdout.contains("436 ms less"), "{}", better.stdout);
    let worse = compare(&[fixed.clone(), story.clone(), fixed], &["--format", "markdown"]);
    assert_eq!(worse.code(), Some(1), "{}", worse.stdout);
    assert!(worse.stdout.starts_with("## ❌ lapse: REGRESSION"), "{}", worse.stdout);
    let gate = compare(&[story.clone(), story], &["--gate", "50ms"]);
    assert_eq!(gate.code(), Some(0), "{}", gate.stdout);
}

#[test]
fn several_formats_are_written_in_one_call_and_the_summary_of_a_job_by_itself() {
    let [story, fixed] = ["story", "story-fixed"].map(example);
    let folder = tempfile::tempdir().unwrap();
    let [json, page, summary] = ["compare.json", "compare.html", "summary.md"].map(|name| folder.path().join(name));
    std::fs::write(&json, "an old report, longer than nothing").unwrap();
    let both = |format: &str, file: &Path| format!("--report={format}={}", file.display());
    let reports = [both("json", &json), both("html", &page)];
    let call = |args: &[&str]| {
        let lapse = Lapse::new([OsStr::new("compare"), story.as_os_str(), fixed.as_os_str()]);
        let lapse = lapse.env("GITHUB_STEP_SUMMARY", summary.as_os_str()).env("GITHUB_ACTIONS", "true".as_ref());
        lapse.and(args).end()
    };
    let ended = call(&reports.each_ref().map(String::as_str));
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("NO REGRESSION: "), "{}", ended.stdout);
    for (format, file) in [("json", &json), ("html", &page)] {
        let alone = compare(&[story.clone(), fixed.clone()], &["--format", format]);
        assert!(std::fs::read(file).unwrap() == alone.bytes(), "{format} differs from what is printed");
    }
    let markdown = compare(&[story.clone(), fixed.clone()], &["--format", "markdown"]).stdout;
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), markdown);
    // What is printed as Markdown is likely to be sent there, and must not be there twice.
    assert_eq!(call(&["--format", "markdown"]).stdout, markdown);
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), markdown);
}

#[test]
fn a_summary_longer_than_what_github_shows_is_cut_at_the_end_of_a_line() {
    let story = example("story");
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.md");
    std::fs::write(&summary, "x".repeat((1 << 20) - 600)).unwrap();
    let ended = Lapse::new([OsStr::new("compare"), story.as_os_str(), story.as_os_str()])
        .env("GITHUB_STEP_SUMMARY", summary.as_os_str())
        .end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let summary = std::fs::read_to_string(&summary).unwrap();
    assert!(summary.len() <= 1 << 20, "{}", summary.len());
    assert!(
        summary.ends_with("|\n\n\nThe rest is longer than what GitHub shows.\n"),
        "{}",
        &summary[summary.len() - 700..]
    );
}

#[test]
fn what_is_typed_wrong_is_named_with_what_to_type_instead() {
    let story = example("story");
    for (folders, args, hint) in [
        (vec![story.clone()], vec![], "is the only run: name the folders of the runs to compare with it"),
        (vec![story.clone(), "/nowhere".into()], vec![], "/nowhere is neither a folder nor a file"),
        (vec![story.clone(), example("")], vec![], "journal.lapse"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "fail=1%"], "choose one of failed, downtime"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "failed=3"], "write a percentage of all probes"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "p50=1%,p50=2%"], "p50 is named twice"),
        (
            vec![story.clone(), story.clone()],
            vec!["--report", "csv=x"],
            "there is no format \"csv\": choose one of text",
        ),
        (vec![story.clone(), story.clone()], vec!["--report", "json=/nowhere/x"], "cannot write /nowhere/x"),
        (vec![story.clone(), story.clone()], vec!["--report", "json=a", "--report", "html=a"], "two reports are to be"),
        (vec![story.clone(), story], vec!["--format", "csv"], "possible values: text, json, markdown, html"),
    ] {
        let ended = compare(&folders, &args);
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(hint), "{hint} in {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}
