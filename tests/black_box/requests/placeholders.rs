//! Placeholders in URL, headers and body.

use std::collections::BTreeSet;

use super::super::support::lapse::{Ended, Lapse};
use super::super::support::recorder::{Recorder, Seen};

/// A run of half a second, 50 probes a second on each of two lanes.
const BRIEFLY: [&str; 5] = ["--rate", "100/s", "--duration", "500ms", "--resolution=1s"];

fn well(_: &Seen) -> (u16, String) {
    (200, String::new())
}

/// What `server` saw of a run with `args`, without what came before it, and the run.
fn run<'a>(server: &Recorder, path: &str, args: impl IntoIterator<Item = &'a str>) -> (Vec<Seen>, Ended) {
    let ended = Lapse::run([server.url(path)]).and(args).and(BRIEFLY).end();
    (server.seen(), ended)
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    let digits = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    lengths == [8, 4, 4, 4, 12] && digits && text.as_bytes()[14] == b'4' && b"89ab".contains(&text.as_bytes()[19])
}

#[test]
fn each_probe_fills_in_its_own_slot_id_and_time() {
    for http2 in [false, true] {
        let server = Recorder::start(http2, well);
        let body = r#"{"qty":{slot},"key":"{uuid}","as":{"typed":"{word} {{slot}}"}}"#;
        let args = ["-X", "POST", "-H", "X-At: {time}", "-H", "Idempotency-Key: {uuid}", "-d", body];
        let (seen, ended) =
            run(&server, "/cellar/{slot}?key={uuid}", args.into_iter().chain(http2.then_some("--http2")));
        let report = ended.report();
        let sent: u64 = report.targets[0].lanes.iter().map(|lane| lane.sent).sum();
        assert_eq!((seen.len() as u64, report.targets[0].totals.failed), (sent, 0), "{}", ended.stderr);
        let (mut ids, mut slots) = (BTreeSet::new(), BTreeSet::new());
        for request in &seen {
            let id = request.header("idempotency-key");
            assert!(is_uuid(id), "{id}");
            let (slot, query) = request.path.strip_prefix("/cellar/").unwrap().split_once('?').unwrap();
            assert_eq!(query, format!("key={id}"));
            let filled = body.replace("{{slot}}", "{ slot }").replace("{slot}", slot).replace("{uuid}", id);
            assert_eq!(request.body, filled.replace("{ slot }", "{slot}"));
            assert_eq!(request.header("content-length"), request.body.len().to_string());
            // The date at which the slot was due, over two lanes with 20 ms between their slots.
            let at: u64 = request.header("x-at").parse().unwrap();
            let due = (report.run.anchor.unix_ns - report.run.anchor.offset_ns) / 1_000_000
                + 20 * slot.parse::<u64>().unwrap();
            assert!([due, due + 10, due + 11].contains(&at), "{at} of slot {slot}, due at {due}");
            ids.insert(id.to_owned());
            slots.insert(slot.to_owned());
        }
        assert_eq!(
            (ids.len(), slots.len()),
            (seen.len(), seen.len().div_ceil(2)),
            "an id of its own, a slot of each lane"
        );
    }
}

#[test]
fn the_request_that_checks_a_target_has_no_placeholder_in_it_and_an_id_of_its_own() {
    let server = Recorder::start(false, well);
    let (seen, ended) = run(&server, "/{uuid}", ["-H", "X-Slot: {slot}"]);
    let (check, probes) = seen.split_first().unwrap();
    assert!(is_uuid(&check.path[1..]) && check.header("x-slot") == "0", "{check:?}");
    assert!(probes.iter().all(|probe| probe.path != check.path));
    assert!(ended.stdout.contains(&server.url("/{uuid}")), "the report has the URL as it was typed: {}", ended.stdout);
}

#[test]
fn two_runs_send_no_id_in_common() {
    let server = Recorder::start(false, well);
    let args = ["-H", "Idempotency-Key: {uuid}"];
    let first = run(&server, "/", args).0.len();
    let seen = run(&server, "/", args).0;
    let ids: BTreeSet<_> = seen.iter().map(|request| request.header("idempotency-key")).collect();
    assert!(first > 0 && ids.len() == seen.len(), "{} of {}", ids.len(), seen.len());
}
