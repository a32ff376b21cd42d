//! `lapse compare`: two runs against servers of which one fails for longer, and what a user types wrong.

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
fn what_is_typed_wrong_is_named_with_what_to_type_instead() {
    let story = example("story");
    for (folders, args, hint) in [
        (vec![story.clone()], vec![], "is the only run: name the folders of the runs to compare with it"),
        (vec![story.clone(), "/nowhere".into()], vec![], "/nowhere is neither a folder nor a file"),
        (vec![story.clone(), example("")], vec![], "journal.lapse"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "fail=1%"], "choose one of failed, downtime"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "failed=3"], "write a percentage of all probes"),
        (vec![story.clone(), story.clone()], vec!["--tolerate", "p50=1%,p50=2%"], "p50 is named twice"),
        (vec![story.clone(), story], vec!["--format", "csv"], "possible values: text, json, markdown, html"),
    ] {
        let ended = compare(&folders, &args);
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stdout);
        assert!(ended.stderr.contains(hint), "{hint} in {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}
