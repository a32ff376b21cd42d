//! The ledger of a replay says what clients did, and judges them by what was expected.

use serde_json::Value;

use super::{measure, story};
use crate::support::fault::{Fault, Plan};
use crate::support::lapse::{Ended, Lapse};
use crate::support::replay::{Replay, header, request};
use crate::support::server::{Protocol, Server};

/// A run that fails for a second, half a second after its server was started, and is well at its end.
fn recorded() -> Ended {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 500, 1500));
    measure(&server.url(), "100/s", "1s", "1800ms")
}

/// Sends a request with this key until it succeeds, for `tries` times at most; returns whether it did.
fn ask(replay: &Replay, key: &str, tries: u32) -> bool {
    let try_once =
        |_| request(replay.address(), "GET", "/", &format!("x-attempt-at: {key}\r\n")).0.starts_with("HTTP/1.1 2");
    (0..tries).any(try_once)
}

/// Asks with `tries` tries for each of two keys in the outage; returns the replay's end.
fn gate(first: &Ended, tries: u32, expected: &str) -> Ended {
    let args = ["--from", "800ms", "--retry-key", "x-attempt-at", "--control", "0", "--expect", expected];
    let replay =
        Replay::start(&first.run_folder(), args.into_iter().chain(["--report", "text", "--report", "json=ledger"]));
    assert_eq!(ask(&replay, "one", tries), tries > 1);
    if tries > 1 {
        // The lane whose slots come first may be well a little earlier.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(ask(&replay, "two", 1));
    }
    while replay.command("GET", "/-/state")["phase"] != "after" {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    replay.end()
}

#[test]
fn a_client_without_retries_fails_the_gate_and_one_with_them_holds_it() {
    let first = recorded();
    let without = gate(&first, 1, "user-failures=0");
    assert_eq!(without.code(), Some(1), "{}", without.stdout);
    assert!(without.stdout.contains("BROKEN     user-failures=0"), "{}", without.stdout);
    let retried = gate(&first, u32::MAX, "user-failures=0,succeeded=2,first-success<=10s");
    assert_eq!(retried.code(), Some(0), "{}", retried.stdout);
    let ledger: Value = serde_json::from_str(&retried.file("ledger")).unwrap();
    assert_eq!(ledger["logical_requests"], serde_json::json!({"all": 2, "keyed": 2, "keyless": 0}), "{ledger}");
    let (requests, classes) = (ledger["requests"].as_u64().unwrap(), &ledger["classes"]);
    assert_eq!(classes["status 503"].as_u64(), requests.checked_sub(2), "{ledger}");
    assert_eq!(ledger["verdict"]["exit_code"], 0, "{ledger}");
    // A slot holds for half a period, and so does its neighbour on the other lane.
    let (recovered, last) =
        (ledger["recoveries"][0]["at_ns"].as_u64().unwrap(), first.report().target().episodes[0].to_ns);
    assert!((last..=last + 20_000_000).contains(&recovered), "{last} {ledger}");
    // Too many attempts for a gate on the load that they are.
    let hammering = gate(&first, u32::MAX, "amplification<=1.1");
    assert_eq!(hammering.code(), Some(1), "{}", hammering.stdout);
}

#[test]
fn a_replay_that_supports_no_verdict_is_inconclusive_and_one_that_is_interrupted_says_so() {
    let expect = ["--expect", "user-failures=0", "--control", "0", "--start", "asked"];
    let not_started = Replay::start(&story(), expect);
    not_started.command("POST", "/-/end");
    let ended = not_started.ended();
    assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("inconclusive: the replay was not started"), "{}", ended.stdout);
    let interrupted = Replay::start(&story(), expect);
    interrupted.command("POST", "/-/start");
    assert_eq!(interrupted.end().code(), Some(130));
    // Nothing comes, and it ends by itself.
    let idle = Replay::start(&story(), expect.into_iter().chain(["--to", "100ms", "--end-after", "10ms"]));
    idle.command("POST", "/-/start");
    let ended = idle.ended();
    assert_eq!(ended.code(), Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("inconclusive: no request came"), "{}", ended.stdout);
}

#[test]
fn the_control_port_has_the_ledger_and_a_start_begins_it_anew() {
    let replay = Replay::start(&story(), ["--control", "0", "--to", "5s", "--start", "asked"]);
    replay.ask("GET", "/");
    assert_eq!(replay.command("GET", "/-/ledger")["outside"], 1);
    replay.command("POST", "/-/start");
    for key in ["a", "a", "b"] {
        request(replay.address(), "GET", "/", &format!("idempotency-key: {key}\r\n"));
    }
    let (answer, _) = replay.ask("GET", "/");
    assert!(header(&answer, "lapse-replay-offset").is_some());
    let ledger = replay.command("GET", "/-/ledger");
    let figures = ["requests", "retries", "outside", "connections"].map(|key| ledger[key].as_u64().unwrap());
    assert_eq!((figures, &ledger["phase"], &ledger["verdict"]), ([4, 1, 0, 4], &"playing".into(), &Value::Null));
    assert_eq!(ledger["logical_requests"], serde_json::json!({"all": 3, "keyed": 2, "keyless": 1}));
    replay.command("POST", "/-/start");
    assert_eq!(replay.command("GET", "/-/ledger")["requests"], 0);
}

#[test]
fn an_expectation_or_a_report_that_cannot_be_is_refused_at_the_start() {
    let refused = |args: &[&str], expected: &str| {
        let ended = Lapse::new(["replay", story().to_str().unwrap(), "--listen", "127.0.0.1:0"]).and(args).end();
        assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    };
    refused(&["--expect", "failures=0"], "there is no figure \"failures\": choose one of requests");
    refused(&["--expect", "user-failures=0", "--loop"], "--loop");
    refused(&["--report", "html"], "choose one of text, json, junit");
    refused(&["--report", "junit=/no/such/folder/file"], "choose another file with --report");
    refused(&["--report", "text", "--report", "json"], "written to standard output");
    refused(&["--retry-key", "no header"], "is no header name");
}
