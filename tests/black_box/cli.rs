//! What the command line promises: exit codes, streams, signals, and reports made again.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;

use super::support::clock;
use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse, Running};
use super::support::report::{Lane, Report};
use super::support::server::{Server, Speech};

fn healthy() -> Server {
    Server::start(Speech::Http1, Plan::healthy())
}

/// Answers 503 for 300 ms.
fn unwell() -> Server {
    Server::start(Speech::Http1, Plan::healthy().then(Fault::Status(503), 300, 600))
}

/// One second of probes without a command.
fn watch(server: &Server, args: &[&str]) -> Ended {
    Lapse::against(server, Speech::Http1, ["--rate", "100/s", "--duration", "1s"]).end_with(args)
}

/// A short baseline, the command, and a short settling.
fn around(server: &Server, command: &[&str]) -> Lapse {
    let args = ["--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "1s", "--"];
    Lapse::against(server, Speech::Http1, args.iter().chain(command))
}

fn verdict(ended: &Ended) -> (Option<i32>, String) {
    let report = ended.report();
    assert_eq!(Some(report.verdict.exit_code), ended.code(), "the report knows the exit code");
    (ended.code(), report.verdict.result)
}

// === exit codes ===

#[test]
fn a_healthy_service_passes() {
    let server = healthy();
    let ended = watch(&server, &[]);
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}", ended.stderr);
    let report = ended.report();
    let [event] = &report.run.phases[..] else { panic!("one phase: {:?}", report.run.phases) };
    assert_eq!((event.name.as_str(), event.to_ns - event.from_ns), ("event", 1_000_000_000));
    assert!(report.run.command.is_none());
    // Both clocks count from the anchor; slewing moves them apart by at most half a millisecond in a second.
    let anchor = &report.run.anchor;
    let epoch = anchor.unix_ns - anchor.offset_ns - anchor.monotonic_ns;
    assert!(epoch.abs_diff(clock::boot_on_the_wall()) < 5_000_000, "{anchor:?}");
}

#[test]
fn without_a_budget_one_failed_probe_is_too_many() {
    let server = unwell();
    let ended = watch(&server, &[]);
    assert_eq!(verdict(&ended), (Some(1), "fail".into()));
    assert!(!ended.report().verdict.breaches.is_empty());
}

#[test]
fn budgets_are_held_against_what_was_measured() {
    let wide = "--max-failed=100%";
    let cases: [(&[&str], i32); 12] = [
        (&[wide], 0),
        (&[wide, "--max-outage=5s"], 0),
        (&[wide, "--max-outage=100ms"], 1),
        (&[wide, "--max-outage=new=100ms"], 1),
        (&[wide, "--max-outage=new=5s"], 0),
        (&[wide, "--max-down=100ms"], 1),
        (&[wide, "--max-down=5s"], 0),
        (&[wide, "--max-downtime=100ms"], 1),
        (&["--max-failed=3"], 1),
        (&["--max-failed=5%"], 1),
        (&[wide, "--min-availability=99%"], 1),
        (&[wide, "--min-availability=10%"], 0),
    ];
    for (args, code) in cases {
        let ended = watch(&unwell(), args);
        assert_eq!(ended.code(), Some(code), "{args:?}\n{}\n{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_budget_between_the_bounds_is_not_decided() {
    // One probe each 100 ms: an outage of 300 ms lasted at least 200 and at most 400 ms, for all that the run can tell.
    let server = unwell();
    let args =
        ["--lanes", "new", "--rate", "10/s", "--duration", "1s", "--max-failed", "100%", "--max-outage", "310ms"];
    let ended = Lapse::against(&server, Speech::Http1, args).end();
    let outage = ended.report().lane("new").outages[0].duration;
    assert!(outage.at_least_ns <= 310_000_000 && outage.at_most_ns.unwrap() > 310_000_000, "{outage:?}");
    assert_eq!(verdict(&ended), (Some(3), "inconclusive".into()));
    assert!(!ended.report().verdict.doubts.is_empty());
}

#[test]
fn a_baseline_that_is_not_clean_supports_no_verdict() {
    let server = Server::start(Speech::Http1, Plan::healthy().then(Fault::Status(503), 0, 100));
    let args = ["--rate=100/s", "--baseline=500ms", "--settle=200ms", "--max-failed=100%", "--", "true"];
    let ended = Lapse::against(&server, Speech::Http1, args).end();
    assert_eq!(verdict(&ended), (Some(3), "inconclusive".into()));
}

#[test]
fn a_service_that_refuses_connections_is_measured_all_the_same() {
    let door = super::support::listener::bind();
    let url = format!("http://{}/", door.local_addr().unwrap());
    drop(door);
    let args = [&url, "--rate=100/s", "--baseline=300ms", "--settle=200ms", "--settle-limit=500ms", "--", "true"];
    let ended = Lapse::run(args).end();
    // Fail beats inconclusive: the baseline is not clean, but seen downtime is downtime.
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    assert!(ended.report().target().totals.failed > 0);
}

#[test]
fn what_cannot_be_meant_is_said_before_any_probe_is_sent() {
    let server = healthy();
    let url = server.url();
    let cases: &[(&[&str], &str)] = &[
        (&[], ""),
        (&["ftp://x/"], "ftp"),
        (&["not a url"], "not a url"),
        (&[&url, "--rate", "0"], "0"),
        (&[&url, "--rate", "fast"], "fast"),
        (&[&url, "--duration", "soon"], "soon"),
        (&[&url, "--lanes", "reused,sideways"], "sideways"),
        (&[&url, "--expect", "900000"], "900000"),
        (&[&url, "--expect-body", "("], "--expect-body"),
        (&[&url, "--max-outage", "sideways=1s"], "sideways"),
        (&[&url, "--max-failed", "101%"], "101%"),
        (&[&url, "--max-outage", "1s", "--max-outage", "2s"], "--max-outage"),
        (&[&url, "--http1.1", "--http2"], "--http2"),
        (&[&url, "--cacert", "/no/such/file"], "/no/such/file"),
        (&[&url, "--connect-to", "nonsense"], "nonsense"),
        (&["/no/such/scenario.yaml"], "/no/such/scenario.yaml"),
        (&[&url, "--out", "/dev/null/reports"], "/dev/null/reports"),
        (&[&url, "--no-such-flag"], "--no-such-flag"),
    ];
    for (args, named) in cases {
        // A run that is not refused after all is over soon.
        let short: &[&str] = if args.contains(&"--duration") { &[] } else { &["--duration", "100ms"] };
        let ended = if args.contains(&"--out") { Lapse::new(["run"]) } else { Lapse::run::<&str>([]) };
        let ended = ended.end_with(args.iter().chain(short));
        assert!(!ended.left_files(), "{args:?}");
        assert_eq!(ended.code(), Some(2), "{args:?}\n{}", ended.stderr);
        assert!(ended.stderr.contains(named), "{args:?} is not named in: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {}", ended.stderr);
    }
    assert!(server.ledger().start.is_none(), "nobody has connected");
}

#[test]
fn a_misspelt_key_of_a_scenario_is_named_with_its_line_and_the_right_one() {
    let story = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/wine-store.yaml")).unwrap();
    let key = |line: &str| line.split_once(':').map(|(key, _)| key.to_owned()).filter(|key| key.len() > 3);
    let plain = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    let (line, right) = story
        .lines()
        .enumerate()
        .filter(|(_, text)| plain(text))
        .find_map(|(at, text)| Some((at + 1, key(text)?)))
        .unwrap();
    let wrong = format!("{}x{}", &right[..2], &right[2..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("misspelt.yaml");
    std::fs::write(&path, story.replacen(&format!("{right}:"), &format!("{wrong}:"), 1)).unwrap();
    let ended = Lapse::run([&path]).end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    for named in [&wrong, &right, &line.to_string()] {
        assert!(ended.stderr.contains(named.as_str()), "{named} is not named in: {}", ended.stderr);
    }
}

#[test]
fn a_folder_without_a_run_cannot_be_reported() {
    let empty = tempfile::tempdir().unwrap();
    for folder in [empty.path().to_str().unwrap(), "/no/such/folder"] {
        let ended = Lapse::new(["report", folder]).end();
        assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(folder), "{}", ended.stderr);
    }
}

// === the command ===

#[test]
fn a_command_that_fails_is_exit_4_and_its_own_code_is_in_the_report() {
    let server = unwell();
    let ended = around(&server, &["sh", "-c", "sleep 0.5; exit 7"]).end();
    assert_eq!(verdict(&ended), (Some(4), "command-failed".into()));
    let report = ended.report();
    let command = report.run.command.as_ref().unwrap();
    assert_eq!((command.exit_code, command.argv[0].as_str()), (Some(7), "sh"));
    assert!(command.ended_ns - command.started_ns >= 500_000_000);
    assert!(report.target().totals.failed > 0, "what was measured is reported all the same");
}

#[test]
fn a_command_that_cannot_start_is_exit_4() {
    let server = healthy();
    for command in ["/no/such/command", "/etc/passwd"] {
        let ended = around(&server, &[command]).end();
        assert_eq!(ended.code(), Some(4), "{}", ended.stderr);
        assert!(ended.stderr.contains(command), "{}", ended.stderr);
    }
}

#[test]
fn the_phases_follow_the_command() {
    let server = healthy();
    let ended = around(&server, &["sleep", "0.4"]).end();
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}", ended.stderr);
    let report = ended.report();
    let names: Vec<_> = report.run.phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["baseline", "event", "settle"]);
    assert!(report.run.phases.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
    let (event, command) = (&report.run.phases[1], report.run.command.as_ref().unwrap());
    assert!(event.from_ns >= 300_000_000 && event.from_ns <= command.started_ns && command.ended_ns <= event.to_ns);
}

#[test]
fn what_the_command_prints_passes_untouched_and_is_recorded() {
    let server = healthy();
    let ended = around(&server, &["sh", "-c", "printf 'one\\ntwo\\r\\n\\033[1mthree'; echo aside >&2"]).end();
    assert!(ended.stdout.contains("one\ntwo\r\n\x1b[1mthree"), "{:?}", ended.stdout);
    assert!(ended.stderr.contains("aside\n"), "{:?}", ended.stderr);
    assert!(!ended.stdout.contains("aside"));
    let report = ended.report();
    let lines = report.events.iter().filter(|event| event.source == "command");
    let said: Vec<_> = lines.map(|event| (event.kind.as_str(), event.text.trim())).collect();
    assert!(said.contains(&("stdout", "one")) && said.contains(&("stderr", "aside")), "{said:?}");
    assert!(report.events.iter().all(|event| event.at_ns <= report.run.length_ns));
}

#[test]
fn the_command_reads_our_standard_input() {
    let server = healthy();
    let ended = around(&server, &["cat"]).stdin("from the terminal\n").end();
    assert!(ended.stdout.contains("from the terminal\n"), "{:?}", ended.stdout);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn what_the_command_left_running_does_not_outlive_it() {
    let server = healthy();
    let ended = around(&server, &["sh", "-c", "sleep 300 & echo child=$!"]).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let (_, rest) = ended.stdout.split_once("child=").expect("the command ran");
    let child = rest.split_whitespace().next().unwrap();
    assert!(!std::path::Path::new("/proc").join(child).exists(), "{child} is still there");
}

/// Waits until the running lapse has printed `text`.
fn until_printed(running: &Running, text: &str) {
    for _ in 0..2000 {
        if running.stdout().contains(text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{text} was not printed in 20 s: {}", running.stdout());
}

#[test]
fn signals_reach_the_command_and_the_report_is_written() {
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT")] {
        let server = healthy();
        let script = format!("trap 'echo caught; exit 3' {name}; echo ready; while :; do sleep 0.05; done");
        let running = around(&server, &["sh", "-c", &script]).start();
        until_printed(&running, "ready");
        running.signal(signal);
        let ended = running.end();
        assert!(ended.stdout.contains("caught"), "{name}: {}", ended.stdout);
        assert_eq!(verdict(&ended), (Some(130), "interrupted".into()));
        assert!(ended.report().run.interrupted);
    }
}

#[test]
fn an_interrupted_watch_leaves_its_report() {
    let server = healthy();
    let running = Lapse::against(&server, Speech::Http1, ["--rate", "100/s", "--duration", "60s"]).start();
    while server.ledger().requests.len() < 50 {
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(verdict(&ended), (Some(130), "interrupted".into()));
    let report = ended.report();
    assert!(report.run.interrupted && !report.run.cut);
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    assert_eq!(answered, server.ledger().requests.len() as u64);
}

// === requests ===

#[test]
fn the_request_is_what_was_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reading = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let (mut seen, mut buffer) = (String::new(), [0; 1024]);
        while !seen.ends_with("corked") {
            let count = tcp.read(&mut buffer).unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        seen
    });
    let redirect = format!("wine.invalid:80:127.0.0.1:{port}");
    let ended = Lapse::run([
        "http://wine.invalid/cellar?red=1",
        "--connect-to",
        &redirect,
        "-X",
        "PUT",
        "-H",
        "X-Cork: natural",
        "-d",
        "corked",
        "--lanes",
        "new",
        "--rate",
        "1/s",
        "--duration",
        "1s",
        "--timeout",
        "5s",
    ])
    .end();
    assert_eq!(ended.report().lane("new").answered(), 1, "{}", ended.stderr);
    let seen = reading.join().unwrap().to_lowercase();
    for part in
        ["put /cellar?red=1 http/1.1\r\n", "host: wine.invalid\r\n", "x-cork: natural\r\n", "content-length: 6\r\n"]
    {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
}

#[test]
fn several_targets_are_told_apart() {
    let (well, unwell) = (healthy(), unwell());
    let (first, second) = (format!("well={}", well.url()), format!("unwell={}", unwell.url()));
    let report =
        Lapse::run(["--target", &first, "--target", &second, "--rate", "100/s", "--duration", "1s"]).end().report();
    let failed = |name: &str| report.targets.iter().find(|target| target.name == name).unwrap().totals.failed;
    assert_eq!((failed("well"), failed("unwell")), (0, unwell.ledger().failed().count() as u64));
    assert!(report.failures.kept.iter().all(|failure| failure.target == "unwell"));
}

// === reports made again ===

#[test]
fn a_report_can_be_made_again_from_its_folder() {
    let server = unwell();
    let ended = watch(&server, &[]);
    let folder = ended.run_folder();
    assert!(
        ended.stdout.contains(folder.file_name().unwrap().to_str().unwrap()),
        "the folder is named: {}",
        ended.stdout
    );
    let again = |args: &[&str]| {
        let made = Lapse::new(["report", folder.to_str().unwrap()].iter().chain(args)).end();
        assert_eq!(made.code(), Some(0), "{args:?}: {}", made.stderr);
        made.stdout
    };
    let written = std::fs::read_to_string(folder.join("report.json")).unwrap();
    assert_eq!(again(&["--format", "json"]).trim_end(), written.trim_end());
    let text = again(&["--format", "text"]);
    assert!(text.contains("status 503"), "{text}");
    assert!(
        ended.stdout.contains(text.trim()),
        "the text is the one that was printed:\n{text}\nbut it was\n{}",
        ended.stdout
    );
    let length = Report::parse(&written).run.length_ns;
    rows(&again(&["--format", "csv"]), length.div_ceil(1_000_000));
    rows(&again(&["--format", "csv", "--bin", "10ms"]), length.div_ceil(10_000_000));
}

/// A header, and as many rows as the run has bins; the last one may be a bin that ends with the run.
fn rows(csv: &str, bins: u64) {
    let mut lines = csv.lines();
    let fields = lines.next().expect("a header").split(',').count();
    assert!(fields >= 3, "{csv:.200}");
    assert!(lines.clone().all(|line| line.split(',').count() == fields), "{csv:.500}");
    let rows = lines.count() as u64;
    assert!(rows.abs_diff(bins) <= 1, "{rows} rows for {bins} bins");
}
