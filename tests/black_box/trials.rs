//! `lapse run --trials`: folders, the summary and its formats, exit codes, trials that end early, and what is typed wrong.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use super::cli::{ALLOW_UNSEEN, healthy};
use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server};

/// Trials around a shell command, with a short baseline and a short settle phase.
fn trials(server: &Server, count: &str, flags: &[&str], command: &str) -> Lapse {
    let short = ["--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "2s", ALLOW_UNSEEN];
    let count = ["--trials", count];
    let command = ["--", "sh", "-c", command];
    Lapse::against(server, Protocol::Http1, short.iter().chain(&count).chain(flags).chain(&command))
}

fn again(folder: &Path, args: &[&str]) -> Ended {
    Lapse::new(["report".as_ref(), folder.as_os_str()]).env("COLUMNS", "200".as_ref()).end_with(args)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn trial(folder: &Path, number: u16) -> PathBuf {
    folder.join(format!("trial-{number}"))
}

#[test]
fn each_trial_is_a_run_in_its_own_folder_and_its_command_is_told_its_number() {
    let (server, folder) = (healthy(), tempfile::tempdir().unwrap());
    let told = folder.path().join("told");
    let ended = trials(&server, "3", &[], &format!("echo $LAPSE_TRIAL >>{}", told.display())).end();
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(fs::read_to_string(told).unwrap(), "1\n2\n3\n");
    assert!(ended.stdout.starts_with("PASS: every budget held in each of 3 trials\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("without loss: 3 of 3 trials, 100 % (29 to 100)"), "{}", ended.stdout);
    let home = ended.run_folder();
    for number in 1..=3 {
        let report = json(&trial(&home, number).join("report.json"));
        assert_eq!(report["verdict"]["result"], "pass");
        assert!(trial(&home, number).join("report.html").is_file());
    }
    let summary = json(&home.join("trials.json"));
    let schema = json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/trials.v1.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&summary), "{summary:#}");
    let count = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!([count("planned"), count("whole"), count("without_loss"), count("exit_code")], [3, 3, 3, 0]);
    // The whole of it is printed again, byte for byte, and each trial is a run to all other subcommands.
    let printed = again(&home, &["--format", "json"]);
    assert_eq!((printed.code(), printed.bytes()), (Some(0), fs::read(home.join("trials.json")).unwrap()));
    let history = Lapse::new(["history".as_ref(), home.as_os_str()]).end();
    assert!(history.stdout.starts_with("3 runs") && history.stdout.contains("trial-3"), "{}", history.stdout);
    let above = Lapse::new(["history".as_ref(), home.parent().unwrap().as_os_str()]).end();
    assert!(above.stdout.contains("runs/trial-3"), "{}\n{}", above.stdout, above.stderr);
    let explained = Lapse::new(["explain".as_ref(), home.as_os_str()]).end();
    assert_eq!(explained.code(), Some(2));
    assert!(explained.stderr.contains("holds trials") && explained.stderr.contains("trial-1"), "{}", explained.stderr);
}

#[test]
fn a_trial_that_exceeds_a_budget_fails_all_and_the_others_are_made_nevertheless() {
    // The fault begins well within the event of the first trial, and is over before the second begins.
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 2_000, 2_500));
    let folder = tempfile::tempdir().unwrap();
    let [junit, summary] = ["trials.xml", "summary.md"].map(|name| folder.path().join(name));
    let report = format!("--report=junit={}", junit.display());
    let lapse = trials(&server, "3", &["--name", "shop", &report], "[ $LAPSE_TRIAL != 1 ] || sleep 4");
    let lapse = lapse.env("GITHUB_STEP_SUMMARY", summary.as_os_str()).env("GITHUB_ACTIONS", "true".as_ref());
    let ended = lapse.end();
    assert_eq!(ended.code(), Some(1), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.starts_with("FAIL: 1 of 3 trials exceeded a budget\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("without loss: 2 of 3 trials"), "{}", ended.stdout);
    assert!(ended.stdout.contains("::error title=lapse shop%3A fail::1 of 3 trials"), "{}", ended.stdout);
    assert!(fs::read_to_string(&summary).unwrap().starts_with("## ❌ lapse: FAIL: 1 of 3 trials exceeded a budget\n"));
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains(r#"<testsuite name="shop" tests="3" failures="1" errors="0""#), "{junit}");
    let home = ended.run_folder();
    let trials = json(&home.join("trials.json"));
    let downtime = &trials["figures"][0];
    assert_eq!((&downtime["figure"], &downtime["method"]), (&"downtime".into(), &"loss-derived".into()));
    assert_eq!((&downtime["most"]["trial"], &downtime["median"]["duration"]["estimate_ns"]), (&1.into(), &0.into()));
    let bound = |key: &str| downtime["most"]["duration"][key].as_u64().unwrap();
    assert!(bound("at_least_ns") <= 500_000_000 && 500_000_000 <= bound("at_most_ns"), "{downtime}");
    let rollout = trials["figures"].as_array().unwrap().iter().find(|one| one["figure"] == "rollout").unwrap();
    assert_eq!(rollout["most"]["trial"], 1);
    assert!(rollout["most"]["duration"]["estimate_ns"].as_u64().unwrap() >= 4_000_000_000, "{rollout}");
    for (args, code) in [(vec![], 0), (vec!["--max-failed", "100%"], 0), (vec!["--max-outage", "100ms"], 1)] {
        assert_eq!(again(&home, &args).code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_command_that_fails_ends_the_trials_and_the_rest_is_not_made() {
    let ended = trials(&healthy(), "4", &[], "test $LAPSE_TRIAL != 2").end();
    assert_eq!(ended.code(), Some(4), "{}\n{}", ended.stdout, ended.stderr);
    let why = "COMMAND-FAILED: the command of trial 2 failed; 2 of 4 trials were made\n";
    assert!(ended.stdout.starts_with(why), "{}", ended.stdout);
    let said = "failed: trial 2: `sh -c test $LAPSE_TRIAL != 2` exited with 1";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
    assert!(ended.stdout.contains("trial 3 and 1 more were not made"), "{}", ended.stdout);
    let home = ended.run_folder();
    assert!(
        fs::read_dir(trial(&home, 3)).unwrap().next().is_none(),
        "the folder of a trial that was not made is empty"
    );
    let printed = again(&home, &[]);
    assert_eq!(printed.code(), Some(0), "{}", printed.stderr);
    assert!(printed.stdout.starts_with(why), "{}", printed.stdout);
    assert_eq!(again(&home, &["--max-failed", "100%"]).code(), Some(4));
}

#[test]
fn a_signal_ends_the_trial_and_all_others_and_what_there_is_is_reported() {
    let server = healthy();
    let command = "echo in trial $LAPSE_TRIAL; [ $LAPSE_TRIAL = 1 ] || sleep 60";
    let running = trials(&server, "3", &[], command).start();
    running.await_line(|line| line.starts_with("in trial 2").then_some(()));
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code(), Some(130), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("INTERRUPTED: trial 2 was interrupted; 2 of 3 trials were made"), "{}", ended.stdout);
    assert!(ended.stdout.contains("without loss: 1 of 1 trial,"), "{}", ended.stdout);
    let home = ended.run_folder();
    assert!(trial(&home, 2).join("report.html").is_file());
    assert_eq!(again(&home, &[]).code(), Some(130));
}

#[test]
fn trials_whose_journals_break_off_or_are_damaged_are_named_and_count_in_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let story = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name).join("journal.lapse");
    let copy = |number: u16, name: &str, bytes: usize| {
        let journal = fs::read(story(name)).unwrap();
        fs::create_dir(trial(folder.path(), number)).unwrap();
        fs::write(trial(folder.path(), number).join("journal.lapse"), &journal[..bytes.min(journal.len())]).unwrap();
    };
    copy(1, "story-fixed", usize::MAX);
    copy(2, "story", 10);
    let ended = again(folder.path(), &[]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("INCONCLUSIVE: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("trial 2: ") && ended.stdout.contains("1 of 2 trials"), "{}", ended.stdout);
    copy(3, "story", 100_000);
    copy(10, "story", usize::MAX);
    fs::create_dir(trial(folder.path(), 4)).unwrap();
    let ended = again(folder.path(), &[]);
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("INTERRUPTED: trial 3 was interrupted; 3 of 5 trials were made"),
        "{}",
        ended.stdout
    );
    for said in ["the record of trial-3 breaks off", "trial 4 was not made", "only whole trials count: 2 of 5 trials"] {
        assert!(ended.stdout.contains(said), "{said} in\n{}", ended.stdout);
    }
    let without = tempfile::tempdir().unwrap();
    fs::create_dir(trial(without.path(), 1)).unwrap();
    let ended = again(without.path(), &[]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("holds no trial that can be read"), "{}", ended.stderr);
}

#[test]
fn the_trials_of_a_scenario_have_a_world_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.yaml");
    let scenario = "\
# A rollout that may lose what it likes.
name: shop
measure: {rate: 200, baseline: 300ms, settle: 300ms}
hops: [{service: {lag: 100ms..200ms}}]
pods: {v1: &app {readiness: {period: 100ms}}, v2: *app}
first: v1
acts: [{name: upgrade, upgrade: v2, expect: {lost: any}}]
";
    fs::write(&path, scenario).unwrap();
    let ended = Lapse::run([path.as_os_str()]).end_with(["--trials", "2", "--max-failed", "100%"]);
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    for number in [1, 2] {
        let report = json(&trial(&ended.run_folder(), number).join("report.json"));
        assert_eq!(report["run"]["acts"][0]["name"], "upgrade");
    }
}

#[test]
fn what_is_typed_wrong_is_refused_before_the_first_probe() {
    let server = healthy();
    let cases: [(&[&str], &str); 8] = [
        (&["--trials", "0"], "write a whole number from 1 to 1000"),
        (&["--trials", "1001"], "write a whole number from 1 to 1000"),
        (&["--trials", "99999999999999999999"], "write a whole number from 1 to 1000"),
        (&["--trials", "-1"], "unexpected argument '-1'"),
        (&["--trials", "many"], "write a whole number from 1 to 1000"),
        (&["--trials", "2", "--live"], "cannot be used with"),
        (&["--trials", "2", "--report", "csv=x.csv"], "choose one of text, json, markdown, junit, github"),
        (&["--trials", "2", "--report", "json=/nowhere/x"], "cannot write /nowhere/x"),
    ];
    for (args, hint) in cases {
        let ended = Lapse::against(&server, Protocol::Http1, args).end_with(["--", "true"]);
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(hint), "{hint} in {}", ended.stderr);
        assert!(!ended.left_files(), "{args:?}");
    }
    let occupied = tempfile::tempdir().unwrap();
    fs::create_dir_all(occupied.path().join("trial-1")).unwrap();
    let ended = Lapse::new(["run", &server.url(), "--trials", "2", "--out"]);
    let ended = ended.and([occupied.path()]).end_with(["--", "true"]);
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("is not empty: choose another with --out"), "{}", ended.stderr);
    assert!(server.ledger().start.is_none(), "the server saw no connection");
}
