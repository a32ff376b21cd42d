//! Held streams: what is measured of them lies within its bounds, for each way in which they end, and budgets limit them alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::lapse::{Ended, Lapse};
use super::support::streaming::{Fate, Script, Streaming, Written};

const PLACES: usize = 4;
const SCRIPT: Script = Script { beat: 100, at: 1000, fate: Fate::Reset, late: 400, skips: 0 };

fn hold(server: &Streaming, more: &[&str]) -> Ended {
    let flags = ["--rate", "40/s", "--duration", "3s", "--slow", "5s", "--backend-header", "x-pod"];
    let held = ["--held", "4", "--held-path", "/events", "--beat", "100ms"];
    Lapse::run([server.url()]).and(flags).and(held).end_with(more)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap()).unwrap()
}

fn held(ended: &Ended) -> Value {
    json(ended)["targets"][0]["held"].clone()
}

/// The messages of each connection that streamed, those of the old ones first.
fn by_connection(server: &Streaming) -> Vec<Vec<Written>> {
    let mut all: BTreeMap<usize, Vec<Written>> = BTreeMap::new();
    for one in server.log() {
        all.entry(one.connection).or_default().push(one);
    }
    all.into_values().collect()
}

/// Fails the test unless the figure's bounds meet what the server knows: a duration from `least` to `most` ns.
fn meets(figure: &Value, (least, most): (u64, u64), what: &str) {
    let bound = |key: &str| figure[key].as_u64().unwrap();
    assert!(bound("at_least_ns") <= most && bound("at_most_ns") >= least, "{what}: {figure}, truth {least} to {most}");
    assert!(bound("estimate_ns") >= bound("at_least_ns") && bound("estimate_ns") <= bound("at_most_ns"), "{figure}");
}

/// The least and the most time between two writes.
fn between(from: Written, to: Written) -> (u64, u64) {
    (to.before.saturating_sub(from.after), to.after - from.before)
}

#[test]
fn streams_that_are_cut_are_counted_by_how_and_come_back() {
    for (fate, name) in
        [(Fate::Reset, "reset"), (Fate::Truncate, "truncated"), (Fate::End, "ended"), (Fate::Fin, "fin")]
    {
        let server = Streaming::start(Script { fate, ..SCRIPT });
        let ended = hold(&server, &[]);
        assert_eq!(ended.code(), Some(0), "{fate:?}: probes lost nothing\n{}", ended.stdout);
        let held = held(&ended);
        assert_eq!(held["judged"]["drops"], serde_json::json!({ name: PLACES }), "{held:#}");
        assert_eq!((&held["open"], &held["opened"]), (&PLACES.into(), &(2 * PLACES).into()));
        assert_eq!(held["landed"], serde_json::json!({ "new": PLACES }));
        assert_eq!((&held["lost"], &held["repeated"]), (&0.into(), &0.into()), "{held:#}");
        assert_eq!((&held["judged"]["not_back"], &held["failed"]), (&0.into(), &0.into()));
        // Each place was silent from its last old message to its first new one: the longest is at least the shortest
        // of these over all pairs, and at most the longest.
        let all = by_connection(&server);
        let (old, new) = all.split_at(PLACES);
        let pairs = old.iter().flat_map(|old| new.iter().map(move |new| between(*old.last().unwrap(), new[0])));
        let truth = pairs.fold((u64::MAX, 0), |(least, most), (low, high)| (least.min(low), most.max(high)));
        meets(&held["judged"]["silence"]["duration"], truth, name);
        assert!(held["judged"]["back_median"]["at_most_ns"].as_u64().unwrap() >= 400_000_000, "{held:#}");
    }
}

#[test]
fn a_silent_stall_drops_nothing_and_is_as_long_as_it_was() {
    let server = Streaming::start(Script { fate: Fate::Stall(800), ..SCRIPT });
    let ended = hold(&server, &["--max-silence", "500ms", "--max-dropped", "0"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    let report = json(&ended);
    let breaches = report["verdict"]["breaches"].as_array().unwrap();
    assert_eq!((breaches.len(), &breaches[0]["budget"]), (1, &"--max-silence".into()), "{breaches:?}");
    let longest = |one: &Vec<Written>| one.windows(2).map(|two| between(two[0], two[1])).max().unwrap();
    let all: Vec<_> = by_connection(&server).iter().map(longest).collect();
    assert_eq!(all.len(), PLACES);
    let truth = (all.iter().map(|one| one.0).max().unwrap(), all.iter().map(|one| one.1).max().unwrap());
    meets(&report["targets"][0]["held"]["judged"]["silence"]["duration"], truth, "stall");
}

#[test]
fn drops_are_judged_by_their_own_budget_and_messages_left_out_are_lost() {
    let server = Streaming::start(Script { skips: 2, ..SCRIPT });
    let ended = hold(&server, &["--max-dropped", "10%"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("4 of 4 held streams were dropped"), "{}", ended.stdout);
    let held = held(&ended);
    assert_eq!((&held["lost"], &held["repeated"]), (&(2 * PLACES).into(), &0.into()));
    // The herd is what the times of the streams say.
    let first_of_place = |stream: &&Value| stream["dropped"].is_null();
    let streams = held["streams"].as_array().unwrap();
    let asked: Vec<_> =
        streams.iter().filter(first_of_place).map(|stream| stream["asked_ns"].as_u64().unwrap()).collect();
    let within = |from: u64| asked.iter().filter(|at| (from..from + 10_000_000).contains(at)).count();
    let most = asked.iter().map(|at| within(*at)).max().unwrap();
    assert_eq!(held["judged"]["herd"], serde_json::json!(most), "{asked:?}");
}

#[test]
fn a_report_is_made_again_from_the_journal_in_every_format() {
    let server = Streaming::start(SCRIPT);
    let ended = hold(&server, &[]);
    let folder = ended.run_folder();
    let again = |more: &[&str]| Lapse::new(["report", folder.to_str().unwrap()]).end_with(more);
    assert_eq!(again(&["--format", "json"]).stdout, std::fs::read_to_string(folder.join("report.json")).unwrap());
    for format in ["text", "markdown", "html"] {
        let report = again(&["--format", format]).stdout;
        assert!(report.contains("Held streams of /events (4 at a time"), "{format}: {report}");
        assert!(report.contains("reset x4; all came back"), "{format}: {report}");
    }
    assert_eq!(again(&["--max-dropped", "3"]).code(), Some(1));
    assert_eq!(again(&["--max-dropped", "4"]).code(), Some(0));
}

#[test]
fn a_server_that_refuses_streams_is_silent_and_the_attempts_are_counted() {
    let server = Streaming::start(SCRIPT);
    let flags = ["--rate", "20/s", "--duration", "1s", "--held", "2", "--expect", "200", "--max-silence", "500ms"];
    let refused = Lapse::run([server.url()]).and(flags).end_with(["--connect-to", "::127.0.0.1:1"]);
    let held = held(&refused);
    assert_eq!((&held["opened"], &held["messages"]), (&0.into(), &0.into()), "{held:#}");
    // At most one attempt each 100 ms.
    let failed = held["failed"].as_u64().unwrap();
    assert!((2..=22).contains(&failed), "{failed} attempts");
    assert!(refused.stdout.contains("refused x2"), "{}", refused.stdout);
    assert_eq!(refused.code(), Some(1));
}

#[test]
fn flags_that_contradict_held_streams_are_refused() {
    let said = |args: &[&str]| {
        let ended = Lapse::run(["http://127.0.0.1:1/", "--duration", "1s"]).end_with(args);
        assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
        ended.stderr
    };
    assert!(said(&["--max-dropped", "0"]).contains("add --held N"));
    assert!(said(&["--held", "2", "--http2"]).contains("over HTTP/1.1"));
    assert!(said(&["--held", "2", "--held-path", "events"]).contains("begins with /"));
    assert!(said(&["--held", "0"]).contains("from 1 to 1000"));
    assert!(said(&["--held", "2", "--max-silence", "new=1s"]).contains("name a target"));
}
