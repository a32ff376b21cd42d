//! Two versions behind one address: when the new one came, when the old one went, and when it came back.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::support::lapse::{Ended, Lapse};
use crate::support::scripted::{Answer, Scripted, Speaks};

/// A balancer: draws for each request whether the new version answers it, with this percentage.
fn balancer(header: &'static str, speaks: Speaks, percent: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Scripted {
    let draw = draws();
    Scripted::start(speaks, None, move |_, ms| {
        let is_new = draw() < percent(ms);
        Answer::new(200).with(header, if is_new { "2" } else { "1" })
    })
}

/// Numbers below 100, a new one for each request: the time of a request would fall into step with the probes.
fn draws() -> impl Fn() -> u64 + Send + Sync {
    let drawn = AtomicU64::new(0);
    move || drawn.fetch_add(1, Ordering::Relaxed).wrapping_mul(2_654_435_761) / 1_024 % 100
}

fn run(server: &Scripted, length: &str) -> Ended {
    let url = server.url();
    Lapse::run([&url, "--rate", "200/s", "--duration", length, "--version-header", "X-Version"]).end()
}

fn json(ended: &Ended) -> Value {
    let report = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
    serde_json::from_str::<Value>(&report).unwrap()["targets"][0]["versions"].take()
}

/// The offset in the run of a time of the server's script, in seconds.
fn at(ended: &Ended, server: &Scripted, ms: u64) -> f64 {
    seconds(&ended.report().offset(server.began() + ms * 1_000_000).into())
}

fn seconds(nanos: &Value) -> f64 {
    nanos.as_f64().unwrap() / 1e9
}

fn said(ended: &Ended) -> String {
    ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn weights_that_move_and_are_once_set_back() {
    for (speaks, flag) in [(Speaks::Http1, "--http1.1"), (Speaks::Http2, "--http2")] {
        let percent = |ms| match ms {
            0..1_000 | 2_600..3_300 => 0,
            1_000..4_000 => 60,
            _ => 100,
        };
        // HTTP/2 has header names in lower case, and HTTP/1.1 any.
        let server = balancer("x-version", speaks, percent);
        let url = server.url();
        let args = [&url, "--rate", "400/s", "--duration", "5s", "--version-header", "X-VERSION", flag];
        let ended = Lapse::run(args).end();
        let found = json(&ended);
        let [one, two] = found["all"].as_array().unwrap().as_slice() else { panic!("{found:#}") };
        let named = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["new"].as_bool().unwrap());
        assert_eq!([named(one), named(two)], [("1".to_owned(), false), ("2".to_owned(), true)]);
        // The first draw may be the old version's; a busy machine may hold a probe up, for as long as the floor says.
        let floor = ended.report().targets[0].lanes.iter().map(|lane| lane.floor_ns).max().unwrap();
        let held_up = 0.25_f64.max(seconds(&floor.into()));
        let near = |nanos: &Value, ms: u64| (seconds(nanos) - at(&ended, &server, ms)).abs() < held_up;
        assert!(near(&two["first_ns"], 1_000) && near(&one["last_ns"], 4_000), "{found:#}");
        let [back] = found["fallbacks"].as_array().unwrap().as_slice() else { panic!("{found:#}") };
        assert_eq!((&back["from"], &back["to"][0], &back["to_the_end"]), (&"2".into(), &"1".into(), &false.into()));
        assert!(near(&back["from_ns"], 2_600) && near(&back["to_ns"], 3_300), "{back:#}");
        let length = |key: &str| seconds(&back["duration"][key]);
        assert!(length("at_least_ns") <= 0.705 && length("at_most_ns") >= 0.695, "{back:#}");
        let answers: u64 = found["all"].as_array().unwrap().iter().map(|one| one["answers"].as_u64().unwrap()).sum();
        let shares = found["shares"].as_array().unwrap().iter();
        let in_shares: u64 =
            shares.flat_map(|one| one["answers"].as_array().unwrap()).map(|one| one.as_u64().unwrap()).sum();
        assert_eq!((answers, &found["unnamed"]), (in_shares, &0.into()));
        let text = said(&ended);
        assert!(text.contains("version 2 first at ") && text.contains("; last answer of 1 at "), "{text}");
        assert!(text.contains("; fell back to 1 for "), "{text}");
        // The journal has it as well.
        let again =
            Lapse::new(["report".as_ref(), ended.run_folder().as_os_str(), "--format".as_ref(), "json".as_ref()]).end();
        assert_eq!(serde_json::from_str::<Value>(&again.stdout).unwrap()["targets"][0]["versions"], found);
        let page = std::fs::read_to_string(ended.run_folder().join("report.html")).unwrap();
        assert!(page.contains("shares of the versions over time") && page.contains("fell back to 1 for"));
    }
}

#[test]
fn a_canary_that_is_rolled_back_beside_a_balancer_that_fails() {
    let draw = draws();
    let server = Scripted::start(Speaks::Http1, None, move |_, ms| match ms {
        1_000..1_200 => Answer::new(503),
        1_200..2_200 if draw() < 40 => Answer::new(200).with("x-version", "2"),
        _ => Answer::new(200).with("x-version", "1"),
    });
    let ended = run(&server, "4s");
    let found = json(&ended);
    let [back] = found["fallbacks"].as_array().unwrap().as_slice() else { panic!("{found:#}") };
    assert_eq!((&back["to_the_end"], &back["duration"]["at_most_ns"]), (&true.into(), &Value::Null));
    assert!(found["unnamed"].as_u64().unwrap() > 0, "{found:#}");
    let text = said(&ended);
    assert!(text.contains("; 1 answered to the end of the run; last answer of 2 at "), "{text}");
    assert!(text.contains("; back to 1 at ") && text.contains(" and to the end of the run, for "), "{text}");
}

#[test]
fn three_versions_of_which_the_baseline_met_two() {
    let draw = draws();
    let server = Scripted::start(Speaks::Http1, None, move |_, ms| {
        let version = if ms > 2_000 { "3" } else { ["1", "2"][usize::from(draw() < 50)] };
        Answer::new(200).with("X-Version", version)
    });
    let url = server.url();
    let args = [
        &url,
        "--rate",
        "200/s",
        "--baseline",
        "1s",
        "--settle",
        "1s",
        "--version-header",
        "x-version",
        "--",
        "sleep",
        "2",
    ];
    let ended = Lapse::run(args).end();
    let found = json(&ended);
    let all = found["all"].as_array().unwrap().iter();
    let mut new: Vec<_> = all.map(|one| (one["name"].as_str().unwrap(), one["new"].as_bool().unwrap())).collect();
    new.sort_unstable();
    assert_eq!(new, [("1", false), ("2", false), ("3", true)]);
    assert_eq!(found["fallbacks"], Value::Array(Vec::new()), "{found:#}");
}

#[test]
fn odd_versions_and_a_new_one_with_each_answer_are_bounded() {
    let server = Scripted::start(Speaks::Http1, None, |_, ms| {
        Answer::new(200).with("X-Version", if ms < 300 { "x".repeat(10_000) } else { "a \"b\" <c>\u{e9}".to_owned() })
    });
    let ended = run(&server, "1s");
    let found = json(&ended);
    let names: Vec<_> = found["all"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(
        names.len() == 2 && names[0].contains("... (10000 bytes, ") && names[1] == "a \"b\" <c>\u{e9}",
        "{names:?}"
    );
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);

    let nth = AtomicU64::new(0);
    let server = Scripted::start(Speaks::Http1, None, move |_, _| {
        Answer::new(200).with("X-Version", nth.fetch_add(1, Ordering::Relaxed).to_string())
    });
    let ended = run(&server, "1s");
    let found = json(&ended);
    let told_apart: u64 = found["all"].as_array().unwrap().iter().map(|one| one["answers"].as_u64().unwrap()).sum();
    let report = ended.report();
    let answered: u64 = report.target().lanes.iter().map(|lane| lane.resolved).sum();
    assert_eq!(told_apart + found["further"].as_u64().unwrap(), answered);
    assert_eq!(found["all"].as_array().unwrap().len(), 32);
    assert!(said(&ended).contains("no more than 32 are told apart"), "{}", ended.stdout);
}

#[test]
fn a_header_that_no_answer_has_is_said_and_without_the_flag_nothing_is() {
    let server = Scripted::start(Speaks::Http1, None, |_, _| Answer::new(200));
    let ended = run(&server, "1s");
    assert!(said(&ended).contains("check the name of the header, x-version"), "{}", ended.stdout);
    let url = server.url();
    let ended = Lapse::run([&url, "--rate", "100/s", "--duration", "500ms"]).end();
    assert_eq!(json(&ended), Value::Null);
    assert!(!ended.stdout.contains("Versions"), "{}", ended.stdout);
}
