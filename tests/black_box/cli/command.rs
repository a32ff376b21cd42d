//! The wrapped command: its streams, its signals, its end, and the processes that it leaves running.

use std::time::Duration;

use rustix::process::Signal;

use super::super::support::lapse::{Lapse, Running};
use super::super::support::report::Lane;
use super::super::support::server::Protocol;
use super::{briefly_failing, healthy, run_with_command, verdict};

#[test]
fn a_failed_command_gives_exit_code_4_and_the_report_has_its_own_code() {
    let server = briefly_failing();
    let ended = run_with_command(&server, &["sh", "-c", "sleep 0.5; exit 7"]).end();
    assert_eq!(verdict(&ended), (Some(4), "command-failed".into()));
    let report = ended.report();
    let command = report.run.command.as_ref().unwrap();
    assert_eq!((command.exit_code, command.argv[0].as_str()), (Some(7), "sh"));
    assert!(command.ended_ns - command.started_ns >= 500_000_000);
    assert!(report.target().totals.failed > 0, "the measurements are reported even so");
}

#[test]
fn a_command_that_cannot_start_gives_exit_code_4() {
    let server = healthy();
    for command in ["/no/such/command", "/etc/passwd"] {
        let ended = run_with_command(&server, &[command]).end();
        assert_eq!(ended.code(), Some(4), "{}", ended.stderr);
        let named = ended.stdout.contains(command) || ended.stderr.contains(command);
        assert!(named, "{command} is not named\n{}\n{}", ended.stdout, ended.stderr);
        let why = ended.stdout.contains("no such file") || ended.stdout.contains("permission denied");
        assert!(why && !ended.stdout.contains("had not ended"), "{}", ended.stdout);
    }
}

#[test]
fn the_phases_follow_the_command() {
    let server = healthy();
    let ended = run_with_command(&server, &["sleep", "0.4"]).end();
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}", ended.stderr);
    let report = ended.report();
    let names: Vec<_> = report.run.phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["baseline", "event", "settle"]);
    assert!(report.run.phases.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
    let (event, command) = (&report.run.phases[1], report.run.command.as_ref().unwrap());
    assert!(event.from_ns >= 300_000_000 && event.from_ns <= command.started_ns && command.ended_ns <= event.to_ns);
}

#[test]
fn the_report_starts_on_a_new_line() {
    let ended = run_with_command(&healthy(), &["printf", "unfinished"]).end();
    assert!(ended.stdout.contains("unfinished\nPASS"), "{:?}", ended.stdout);
}

#[test]
fn command_output_passes_through_unchanged_and_is_recorded() {
    let server = healthy();
    let ended = run_with_command(&server, &["sh", "-c", "printf 'one\\ntwo\\r\\n\\033[1mthree'; echo aside >&2"]).end();
    assert!(ended.stdout.contains("one\ntwo\r\n\x1b[1mthree"), "{:?}", ended.stdout);
    assert!(ended.stderr.contains("aside\n"), "{:?}", ended.stderr);
    // The report on stdout quotes the command, which contains the word, but not at the end of a line.
    assert!(!ended.stdout.contains("aside\n"), "{:?}", ended.stdout);
    let report = ended.report();
    let lines = report.events.iter().filter(|event| event.source == "command");
    let recorded: Vec<_> = lines.map(|event| (event.kind.as_str(), event.text.trim())).collect();
    assert!(recorded.contains(&("stdout", "one")) && recorded.contains(&("stderr", "aside")), "{recorded:?}");
    assert!(report.events.iter().all(|event| event.at_ns <= report.run.length_ns));
}

#[test]
fn the_command_inherits_standard_input() {
    let server = healthy();
    let ended = run_with_command(&server, &["cat"]).stdin("from the terminal\n").end();
    assert!(ended.stdout.contains("from the terminal\n"), "{:?}", ended.stdout);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn processes_that_the_command_leaves_running_are_ended() {
    let server = healthy();
    let ended = run_with_command(&server, &["sh", "-c", "sleep 300 & echo child=$!"]).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let (_, rest) = ended.stdout.split_once("child=").expect("the command ran");
    let child = rest.split_whitespace().next().unwrap();
    assert!(!is_running(child), "process {child} is still running");
}

/// Whether the process exists and has not exited; a zombie (state Z or X) counts as exited.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Waits until `running` has printed `text`; panics after 20 s.
fn wait_for_output(running: &Running, text: &str) {
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
        let running = run_with_command(&server, &["sh", "-c", &script]).start();
        wait_for_output(&running, "ready");
        running.signal(signal);
        let ended = running.end();
        assert!(ended.stdout.contains("caught"), "{name}: {}", ended.stdout);
        assert_eq!(verdict(&ended), (Some(130), "interrupted".into()));
        assert!(ended.report().run.interrupted);
    }
}

#[test]
fn a_second_signal_ends_a_command_that_ignores_the_first() {
    let server = healthy();
    let script = "trap 'echo caught' INT; echo ready; while :; do sleep 0.05; done";
    let running = run_with_command(&server, &["sh", "-c", script]).start();
    wait_for_output(&running, "ready");
    running.signal(Signal::INT);
    wait_for_output(&running, "caught");
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(verdict(&ended), (Some(130), "interrupted".into()));
    assert!(ended.report().run.interrupted);
}

#[test]
fn an_interrupted_run_without_a_command_writes_its_report() {
    let server = healthy();
    let running = Lapse::against(&server, Protocol::Http1, ["--rate", "100/s", "--duration", "60s"]).start();
    while server.ledger().requests.len() < 50 {
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(verdict(&ended), (Some(130), "interrupted".into()));
    let report = ended.report();
    assert!(report.run.interrupted && !report.run.cut);
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    assert_eq!(answered, server.ledger_of(&report).requests.len() as u64);
}

/// Nice value and scheduling policy of the process that prints them, by its own /proc entry.
const SCHEDULING: [&str; 3] = ["sh", "-c", "cut -d' ' -f 19,41 /proc/$$/stat"];

#[test]
fn the_command_is_scheduled_as_it_would_be_without_lapse() {
    let [shell, args @ ..] = SCHEDULING;
    let alone = std::process::Command::new(shell).args(args).output().unwrap();
    let ended = run_with_command(&healthy(), &SCHEDULING).end();
    let line = String::from_utf8(alone.stdout).unwrap();
    assert!(ended.stdout.starts_with(&line), "{line} alone, beside lapse {}", ended.stdout);
    let report = ended.report();
    assert!(report.machine.precedence.is_some(), "the report says what the prober was granted");
}

#[test]
fn without_precedence_the_prober_has_normal_scheduling() {
    let ended = Lapse::against(&healthy(), Protocol::Http1, ["--no-precedence", "--duration", "300ms"]).end();
    let precedence = ended.report().machine.precedence.expect("the report says so");
    assert_eq!(precedence.class, "none");
    assert!(ended.stdout.contains("the prober ran with normal scheduling"), "{}", ended.stdout);
}
