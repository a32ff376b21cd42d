//! The control port of a replay does what it is asked for, whatever the run does to clients.

use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use super::{measure, story};
use crate::support::clock;
use crate::support::fault::{Fault, Plan};
use crate::support::lapse::Lapse;
use crate::support::replay::{Replay, ask};
use crate::support::server::{Protocol, Server};

#[test]
fn the_control_port_starts_resets_and_ends_a_replay_whose_port_is_closed() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Refuse, 300, 700));
    let first = measure(&server.url(), "500/s", "1s", "700ms");
    let ready = tempfile::tempdir().unwrap();
    let ready = ready.path().join("ready.json");
    let folder = first.run_folder();
    let args = ["--from", "400ms", "--to", "650ms", "--speed", "0.01", "--start", "asked"];
    let replay = Replay::start(&folder, [&args[..], &["--control", "0", "--ready", ready.to_str().unwrap()]].concat());
    let addresses: Value = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    assert_eq!(addresses["url"], replay.url());
    assert_eq!(addresses["control"], format!("http://{}/", replay.control()));
    let state = replay.command("GET", "/-/state");
    assert_eq!((&state["phase"], &state["port"]), (&"before".into(), &"open".into()), "{state}");
    assert_eq!((&state["offset_ns"], &state["first_request"]), (&Value::Null, &"ok".into()), "{state}");
    // Twenty-five seconds in which the port is closed: enough for a busy machine.
    replay.command("POST", "/-/start");
    let turns = |open: bool| {
        let deadline = clock::now() + 10_000_000_000;
        while TcpStream::connect(replay.address()).is_ok() != open {
            assert!(clock::now() < deadline, "the port does not turn");
        }
    };
    turns(false);
    let state = replay.command("GET", "/-/state");
    assert_eq!((&state["phase"], &state["port"]), (&"playing".into(), &"closed".into()), "{state}");
    assert_eq!(state["first_request"], "refused", "{state}");
    assert!(state["offset_ns"].as_u64().is_some_and(|ns| (400_000_000..650_000_000).contains(&ns)), "{state}");
    let state = replay.command("POST", "/-/reset");
    assert_eq!((&state["phase"], &state["port"]), (&"before".into(), &"open".into()), "{state}");
    turns(true);
    assert_eq!(replay.offset(), "before");
    replay.command("POST", "/-/start");
    turns(false);
    assert!(ask(replay.control(), "GET", "/-/start").0.starts_with("HTTP/1.1 405"));
    assert!(ask(replay.control(), "GET", "/").0.starts_with("HTTP/1.1 404"));
    replay.command("POST", "/-/end");
    let ended = replay.ended();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("started at")).count(), 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("\nreset: "), "{}", ended.stdout);
}

#[test]
fn a_control_port_or_a_file_that_cannot_be_had_is_refused_at_the_start() {
    let refused = |args: &[&str], expected: &str| {
        let ended = Lapse::new(["replay", story().to_str().unwrap(), "--listen", "127.0.0.1:0"]).and(args).end();
        assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["--control", &address], &format!("cannot listen at {address}: choose another address with --control"));
    refused(&["--control", "here"], "write an address and a port");
    refused(&["--ready", "/no/such/folder/file"], "choose another file with --ready");
}
