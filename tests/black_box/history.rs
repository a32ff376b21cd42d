//! `lapse history`: the worked examples, runs that are broken, and what a user types wrong.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name)
}

fn history(folder: &Path, args: &[&str]) -> Ended {
    let first = ["history".as_ref(), folder.as_os_str()];
    Lapse::new(first.into_iter().chain(args.iter().map(AsRef::as_ref))).env("COLUMNS", "200".as_ref()).end()
}

/// The journal of an example as a run of this name below `folder`, cut off after `bytes`.
fn copy(folder: &Path, name: &str, example_name: &str, bytes: usize) {
    let journal = fs::read(example(example_name).join("journal.lapse")).unwrap();
    fs::create_dir(folder.join(name)).unwrap();
    fs::write(folder.join(name).join("journal.lapse"), &journal[..bytes.min(journal.len())]).unwrap();
}

#[test]
fn the_worked_examples_are_two_lines_and_the_budgets_that_held_do_hold() {
    let ended = history(&example(""), &[]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let lines: Vec<_> = ended.stdout.lines().collect();
    let line = |name: &str| lines.iter().position(|line| line.split_whitespace().any(|word| word == name)).unwrap();
    assert!(line("story") < line("story-fixed"), "in the order of time: {}", ended.stdout);
    assert!(lines[line("story")].contains("436 ms (402 to 471)"), "{}", ended.stdout);
    for flag in ["--max-failed", "--max-downtime", "--max-outage", "--max-strict-outage"] {
        let budget = lines[line(flag)].split_whitespace().last().unwrap();
        for name in ["story", "story-fixed"] {
            let judged =
                Lapse::new(["report".as_ref(), example(name).as_os_str(), flag.as_ref(), budget.as_ref()]).end();
            assert_eq!(judged.code(), Some(0), "{name} {flag} {budget}: {}", judged.stdout);
        }
    }
}

#[test]
fn runs_that_cannot_be_read_are_named_and_those_that_break_off_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "whole", "story-fixed", usize::MAX);
    copy(folder.path(), "cut", "story", 100_000);
    copy(folder.path(), "empty", "story", 10);
    fs::create_dir(folder.path().join("no-run")).unwrap();
    let ended = history(folder.path(), &[]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("empty") && ended.stderr.contains("it is left out"), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("2 runs"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the record of cut breaks off"), "{}", ended.stdout);
    assert!(ended.stdout.contains("only whole runs count below: 1 of 2 runs"), "{}", ended.stdout);
    let last = history(folder.path(), &["--last", "1", "--format", "json"]);
    let last: Value = serde_json::from_str(&last.stdout).unwrap();
    assert_eq!((last["runs"].as_array().unwrap().len(), &last["runs"][0]["name"]), (1, &"whole".into()));
}

#[test]
fn ci_systems_get_the_newest_run_and_nothing_of_one_that_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "story", "story", usize::MAX);
    let benchmark = history(folder.path(), &["--format", "github-action-benchmark"]);
    let benchmark: Value = serde_json::from_str(&benchmark.stdout).unwrap();
    let downtime = benchmark.as_array().unwrap().iter().find(|one| one["name"] == "loss-derived downtime").unwrap();
    let value = downtime["value"].as_f64().unwrap();
    assert!(downtime["unit"] == "ms" && (435.0..=437.0).contains(&value), "{downtime}");
    let gitlab = history(folder.path(), &["--format", "gitlab-metrics"]);
    assert!(
        gitlab.stdout.contains("\nlapse_downtime_seconds 0.44\n") && gitlab.stdout.ends_with("# EOF\n"),
        "{}",
        gitlab.stdout
    );
    copy(folder.path(), "cut", "story-fixed", 100_000);
    for format in ["github-action-benchmark", "gitlab-metrics"] {
        let cut = history(folder.path(), &["--format", format]);
        assert_eq!((cut.code(), cut.stdout.as_str()), (Some(3), ""), "{}", cut.stderr);
        assert!(cut.stderr.contains("the record of cut breaks off"), "{}", cut.stderr);
    }
}

#[test]
fn several_formats_are_written_in_one_call_and_the_summary_of_a_job_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "story", "story", usize::MAX);
    copy(folder.path(), "story-fixed", "story-fixed", usize::MAX);
    let [json, benchmark, summary] = ["x.json", "benchmark.json", "summary.md"].map(|name| folder.path().join(name));
    let call = || {
        let lapse = Lapse::new(["history".as_ref(), folder.path().as_os_str()]);
        let lapse = lapse.env("GITHUB_STEP_SUMMARY", summary.as_os_str());
        let both = [("json", &json), ("github-action-benchmark", &benchmark)];
        lapse.end_with(both.map(|(format, file)| format!("--report={format}={}", file.display())))
    };
    let ended = call();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("2 runs"), "{}", ended.stdout);
    for (format, file) in [("json", &json), ("github-action-benchmark", &benchmark), ("markdown", &summary)] {
        let alone = history(folder.path(), &["--format", format]);
        assert!(fs::read(file).unwrap() == alone.bytes(), "{format} differs from what is printed");
    }
    // A newest run that breaks off leaves no figures to be drawn, neither new ones nor old ones.
    fs::remove_dir_all(folder.path().join("story-fixed")).unwrap();
    copy(folder.path(), "cut", "story-fixed", 100_000);
    let ended = call();
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    assert!(ended.stdout.contains("the record of cut breaks off"), "{}", ended.stdout);
    assert_eq!(fs::read_to_string(&benchmark).unwrap(), "");
    assert!(fs::read_to_string(&json).unwrap().contains("\"cut\""));
}

#[test]
fn the_page_leads_to_the_pages_of_the_runs_that_have_one() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "with a page", "story", usize::MAX);
    copy(folder.path(), "without", "story-fixed", usize::MAX);
    fs::write(folder.path().join("with a page/report.html"), "").unwrap();
    let page = folder.path().join("index.html");
    let ended = history(folder.path(), &[&format!("--report=html={}", page.display())]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("default-src 'none'"));
    assert!(page.contains(r#"<a href="./with%20a%20page/report.html">with a page</a>"#), "the table leads there");
    assert!(page.contains("436 ms (402 to 471)") && !page.contains("./without"), "what has no page has no link");
}

#[test]
fn what_is_typed_wrong_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let story = example("");
    for (folder, args, hint) in [
        (Path::new("/nowhere"), vec![], "cannot read the folder /nowhere"),
        (empty.path(), vec![], "holds no folder of a run"),
        (&story, vec!["--name", "shop"], "holds no run of the name \"shop\""),
        (&story, vec!["--last", "0"], "write a whole number from 1 to 65535"),
    ] {
        let ended = history(folder, &args);
        assert_eq!((ended.code(), ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ended.stderr.contains(hint), "{hint} in {}", ended.stderr);
    }
}
