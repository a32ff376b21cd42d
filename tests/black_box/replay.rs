//! A replay does to clients what the recorded run saw: lapse measures its own replays, and raw clients ask them.

mod again;
mod coarse;
mod control;
mod ledger;
mod upstream;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::replay::{Comparison, Edges, Replay, assert_seen_again, header, list};
use super::support::report::Report;
use super::support::server::{Protocol, Server};

/// The recorded upgrade of a real cluster.
fn story() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/story")
}

/// Runs lapse against `url`; the rate and the timeout are those of the recorded run.
fn measure(url: &str, rate: &str, timeout: &str, duration: &str) -> Ended {
    Lapse::run([url, "--rate", rate, "--timeout", timeout, "--duration", duration]).end()
}

#[test]
fn an_upgrade_of_a_real_cluster_is_seen_again() {
    assert_seen_again(|| {
        let replay = Replay::start(&story(), ["--from", "6s", "--to", "9.5s"]);
        let ended = measure(&replay.url(), "1000/s", "6s", "3500ms");
        let (recorded, measured) = (Report::read(&story()), ended.report());
        let (started, from, length) = (replay.started(), 6_000_000_000, 3_500_000_000);
        let comparison = Comparison { recorded: &recorded, measured: &measured, started, from, length };
        // What the kept lane loses when it has to connect depends on when its client has to, and a client on a busy
        // machine needs more connections; the lane of new connections always connects.
        let mut objections =
            comparison.of_counts(|lane, class| lane == "new" || !matches!(class, "refused" | "connect-timeout"));
        // One disruption, which a machine that is held up for longer than the gate sees as several.
        let disruption = |folder: &Path| Edges::around(&list(folder, "new", "disruptions"));
        objections.extend(comparison.of_edges(&disruption(&story()), &disruption(&ended.run_folder())));
        objections
    });
}

#[test]
fn every_outage_is_seen_again_where_it_was() {
    let plan = Plan::healthy()
        .then(Fault::Status(503), 500, 800)
        .then(Fault::Refuse, 1100, 1400)
        .then(Fault::Hang, 1700, 1900)
        .then(Fault::Rst, 2200, 2220)
        .then(Fault::Fin, 2500, 2550)
        .then(Fault::Truncate, 2800, 2840)
        .then(Fault::Malformed, 3100, 3140)
        .then(Fault::HeadCut, 3400, 3440);
    let server = Server::start(Protocol::Http1, plan);
    let first = measure(&server.url(), "500/s", "1s", "4s");
    assert_seen_again(|| {
        let replay = Replay::start(&first.run_folder(), []);
        let again = measure(&replay.url(), "500/s", "1s", "4200ms");
        objections(&first, &again, &replay)
    });
}

#[test]
fn every_outage_over_http2_and_tls_is_seen_again() {
    let plan = Plan::healthy()
        .then(Fault::RstStream, 600, 1000)
        .then(Fault::GoAwayRefuse, 1600, 2000)
        .then(Fault::Status(503), 2600, 3000)
        .then(Fault::TlsGarbage, 3600, 4000)
        .then(Fault::Refuse, 4600, 5000);
    let server = Server::start(Protocol::Https2, plan);
    // TLS handshakes are slow in a debug build; at a higher rate a busy machine would measure itself.
    let measure = |url: &str, duration| {
        Lapse::run([url, "--insecure", "--rate", "100/s", "--timeout", "1s", "--duration", duration]).end()
    };
    let first = measure(&server.url(), "5500ms");
    assert_seen_again(|| {
        let replay =
            Replay::start(&first.run_folder(), ["--cert", server.certificate(), "--key", server.certificate()]);
        assert!(replay.url().starts_with("https://"), "{}", replay.url());
        let again = measure(&replay.url(), "5700ms");
        assert_eq!(again.report().lane("new").protocol, "h2");
        objections(&first, &again, &replay)
    });
}

#[test]
fn a_goaway_in_good_order_loses_no_request() {
    let server = Server::start(Protocol::Http2, Plan::healthy().then(Fault::GoAwayGraceful, 500, 1000));
    let args = ["--http2", "--rate", "200/s", "--duration", "1500ms"];
    let first = Lapse::run([server.url()]).and(args).end();
    assert_seen_again(|| {
        let replay = Replay::start(&first.run_folder(), []);
        let again = Lapse::run([replay.url()]).and(args).end().report();
        let lost = again.target().lanes.iter().filter(|lane| !lane.failed().is_empty());
        lost.map(|lane| format!("{}: {:?}", lane.name, lane.classes)).collect()
    });
}

/// What `again`, measured against a replay of `first`, saw otherwise or at another time than that.
fn objections(first: &Ended, again: &Ended, replay: &Replay) -> Vec<String> {
    let (recorded, measured) = (first.report(), again.report());
    let length = recorded.run.length_ns;
    let comparison =
        Comparison { recorded: &recorded, measured: &measured, started: replay.started(), from: 0, length };
    // Where the port is closed, a request on a connection that was kept is reset; how many there are depends on how many
    // connections a client has, and one on a busy machine has more.
    let mut objections = comparison.of_counts(|lane, class| (lane, class) != ("reused", "reset"));
    for lane in ["reused", "new"] {
        let list = |ended: &Ended| list(&ended.run_folder(), lane, "outages");
        let recorded = list(first);
        assert!(recorded.len() >= 3, "{lane}: {recorded:?}");
        objections.extend(comparison.of_stretches(lane, &recorded, &list(again)));
    }
    objections
}

#[test]
fn an_answer_has_its_recorded_status_body_server_and_delay() {
    let plan =
        Plan::healthy().then(Fault::Slow(Duration::from_millis(150)), 500, 1000).then(Fault::Status(503), 1000, 1500);
    let server = Server::start(Protocol::Http1, plan);
    let first = measure(&server.url(), "100/s", "1s", "1500ms");
    let recorded = first.report();
    let failure = recorded.failures.kept.iter().find(|failure| failure.class == "status 503").unwrap();
    let replay = Replay::start(&first.run_folder(), ["--from", "0.6s", "--start", "asked"]);
    replay.ask("POST", "/-/start");
    let (answer, took) = replay.ask("GET", "/any?path=1");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(took >= Duration::from_millis(150), "{took:?}");
    let late = Replay::start(&first.run_folder(), ["--from", "1.1s"]);
    let (answer, _) = late.ask("GET", "/");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(header(&answer, "server"), failure.server);
    assert!(answer.ends_with(failure.body.as_deref().unwrap()), "{answer}");
    assert_eq!(header(&answer, "lapse-replay-offset").as_deref(), Some("1100.000"), "the first request starts it");
}

#[test]
fn a_replay_starts_when_asked_plays_faster_and_begins_again() {
    let replay = Replay::start(&story(), ["--start", "asked", "--to", "2s", "--speed", "10"]);
    assert_eq!((replay.offset(), replay.offset()), ("before".to_owned(), "before".to_owned()));
    assert!(replay.ask("POST", "/-/start").0.starts_with("HTTP/1.1 200"));
    let began: f64 = replay.offset().parse().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let later: f64 = replay.offset().parse().unwrap();
    assert!(later - began >= 500.0, "{began} {later}");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(replay.offset(), "after");
    replay.ask("POST", "/-/start");
    assert!(replay.offset().parse::<f64>().is_ok_and(|offset| offset < began + 2_000.0));
    assert!(replay.ask("GET", "/-/start").0.starts_with("HTTP/1.1 405"));
    assert!(replay.ask("GET", "/-/other").0.starts_with("HTTP/1.1 404"));
    let looped = Replay::start(&story(), ["--loop", "--to", "0.5s", "--speed", "10"]);
    for _ in 0..20 {
        let offset: f64 = looped.offset().parse().unwrap();
        assert!((0.0..500.0).contains(&offset), "{offset}");
        std::thread::sleep(Duration::from_millis(7));
    }
    assert_eq!((replay.end().code(), looped.end().code()), (Some(0), Some(0)));
}

#[test]
fn what_cannot_be_played_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.lapse");
    let refused = |run: &Path, args: &[&str], expected: &str| {
        let ended = Lapse::new(["replay", run.to_str().unwrap()]).and(args).end();
        assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    };
    let none: &[&str] = &[];
    refused(&folder.path().join("nowhere"), none, "is neither a folder nor a file");
    refused(folder.path(), none, "holds no run, for it has no journal.lapse");
    let report = folder.path().join("report.json");
    for (text, expected) in [
        ("", "is no report of lapse"),
        ("{}", "missing field `schema`"),
        (r#"{"schema":"lapse/report/v1","run":{},"targets":[]}"#, "missing field `name`"),
    ] {
        std::fs::write(&report, text).unwrap();
        refused(folder.path(), none, expected);
    }
    let text = std::fs::read_to_string(story().join("report.json")).unwrap();
    std::fs::write(&report, text.replacen("report/v1", "report/v9", 1)).unwrap();
    refused(&report, none, "a report of another version (\"lapse/report/v9\", this is lapse/report/v1)");
    std::fs::write(
        &report,
        text.replacen("\"rate\":1000", "\"rate\":0", 1).replacen("\"rate\": 1000", "\"rate\": 0", 1),
    )
    .unwrap();
    refused(&report, none, "is damaged: its rate is none");
    std::fs::remove_file(&report).unwrap();
    let bytes = std::fs::read(story().join("journal.lapse")).unwrap();
    std::fs::write(&journal, "lapse journal 9: from the future\n, with more text than the first line has").unwrap();
    refused(folder.path(), none, "another version");
    std::fs::write(&journal, &bytes[..20]).unwrap();
    refused(folder.path(), none, "ends before the run began");
    std::fs::write(&journal, &bytes[..1_500]).unwrap();
    refused(folder.path(), none, "nothing to play");
    refused(&story(), &["--from", "9s", "--to", "8s"], "--from (9.00 s) does not come before --to (8.00 s)");
    refused(&story(), &["--from", "1h"], "--from lies");
    refused(&story(), &["--from", "episode:9"], "there is no episode 9");
    refused(&story(), &["--from", "soon"], "episode:2");
    refused(&story(), &["--target", "other"], "it has 127.0.0.1");
    refused(&story(), &["--speed", "0"], "0.01 to 100");
    let none = folder.path().join("none.pem");
    let none = none.to_str().unwrap();
    refused(&story(), &["--cert", none, "--key", none], "cannot read");
    std::fs::write(none, "no certificate").unwrap();
    refused(&story(), &["--cert", none, "--key", none], "holds no certificate");
    refused(&story(), &["--cert", none], "--key");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&story(), &["--listen", &address], &format!("cannot listen at {address}"));
}

#[test]
fn a_damaged_journal_is_played_up_to_its_damage() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(story().join("journal.lapse")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(folder.path().join("journal.lapse"), bytes).unwrap();
    let replay = Replay::start(folder.path(), []);
    assert_eq!(replay.offset(), "0.000");
    let ended = replay.end();
    assert!(ended.stdout.contains("note: the journal"), "{}", ended.stdout);
}
