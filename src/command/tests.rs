//! Runs real commands, and checks what a user at the terminal would see.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustix::process::Signal;

use super::*;
use lapse_hammer::clock::Clock;
use lapse_record::entry::Exit;
use lapse_record::event::{Event, EventKind, Source};

/// A sink whose content can be read through clones.
#[derive(Clone, Default)]
struct Observations(Arc<Mutex<Vec<u8>>>);

impl Observations {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Observations {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The events and output of a finished command.
struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    lines: Vec<Event>,
    exit: Exit,
}

impl Outcome {
    fn texts(&self, kind: &EventKind) -> Vec<&str> {
        self.lines.iter().filter(|line| line.kind == *kind).map(|line| line.text.as_str()).collect()
    }
}

fn sh(script: &str) -> Command {
    Command::new(["sh", "-c", script].map(OsString::from)).unwrap()
}

fn start(command: &Command, stdout: impl Write + Send + 'static, stderr: impl Write + Send + 'static) -> Running {
    let clock = Clock::start();
    command.spawn(move || clock.now(), Output { stdout: Box::new(stdout), stderr: Box::new(stderr) }).unwrap()
}

async fn finish(running: &mut Running) -> (Vec<Event>, Exit) {
    let (mut lines, mut exit) = (Vec::new(), None);
    while let Some(update) = running.next().await {
        match update {
            CommandUpdate::Line(event) => lines.push(event),
            CommandUpdate::Exited(seen) => assert_eq!(exit.replace(seen), None, "it exits once"),
        }
    }
    (lines, exit.unwrap())
}

async fn run(script: &str) -> Outcome {
    let (stdout, stderr) = (Observations::default(), Observations::default());
    let mut running = start(&sh(script), stdout.clone(), stderr.clone());
    let (lines, exit) = finish(&mut running).await;
    Outcome { stdout: stdout.bytes(), stderr: stderr.bytes(), lines, exit }
}

/// The next line of stdout, as a pid.
async fn next_pid(running: &mut Running) -> String {
    match running.next().await {
        Some(CommandUpdate::Line(event)) => event.text,
        other => panic!("expected a line, got {other:?}"),
    }
}

/// Whether the process lives: a zombie does not.
fn lives(pid: &str) -> bool {
    process::Process::of(pid.parse().unwrap()).is_some()
}

#[tokio::test]
async fn what_it_prints_passes_through_untouched_and_is_recorded_by_line() {
    let outcome = run(r"printf 'one\ntwo\377\n\nend'; printf 'oops\n' >&2; exit 3").await;
    assert_eq!(outcome.stdout, b"one\ntwo\xff\n\nend");
    assert_eq!(outcome.stderr, b"oops\n");
    assert_eq!(outcome.texts(&EventKind::Stdout), ["one", "two\u{fffd}", "", "end"]);
    assert_eq!(outcome.texts(&EventKind::Stderr), ["oops"]);
    assert_eq!((outcome.exit.code, outcome.exit.signal), (Some(3), None));
    assert!(outcome.lines.iter().all(|line| line.source == Source::Command));
}

/// A sink that creates a file as soon as it sees a prompt.
struct Answers(std::path::PathBuf);

impl Write for Answers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.ends_with(b"sure? ") {
            fs::write(&self.0, "y")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_prompt_is_seen_while_the_command_waits_for_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("answer");
    let script = format!("printf 'sure? '; until [ -e '{}' ]; do sleep 0.01; done; echo yes", answer.display());
    let mut running = start(&sh(&script), Answers(answer), io::sink());
    let (lines, exit) = finish(&mut running).await;
    assert_eq!((lines[0].text.as_str(), exit.code), ("sure? yes", Some(0)));
}

#[tokio::test]
async fn it_keeps_our_stdin_and_our_process_group() {
    let outcome = run("readlink /proc/$$/fd/0; cut -d' ' -f5 /proc/$$/stat").await;
    let stdin = fs::read_link("/proc/self/fd/0").unwrap().to_string_lossy().into_owned();
    let group = rustix::process::getpgrp().as_raw_nonzero().to_string();
    assert_eq!(outcome.texts(&EventKind::Stdout), [stdin, group]);
}

#[tokio::test]
async fn the_record_is_bounded_and_the_passage_is_not() {
    let outcome = run("seq 1 25000; head -c 5000 /dev/zero | tr '\\0' x >&2").await;
    assert_eq!(outcome.stdout.split(|&byte| byte == b'\n').count(), 25_001);
    assert_eq!(outcome.texts(&EventKind::Stdout).len(), 10_000);
    let said = "15000 of 25000 lines of the command's stdout were passed through but not recorded";
    assert_eq!(outcome.texts(&EventKind::LinesDropped), [said]);
    assert_eq!(outcome.stderr.len(), 5000);
    assert!(outcome.texts(&EventKind::Stderr)[0].ends_with("x [cut: 904 bytes more]"));
}

/// A sink whose reader went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_closed_stdout_does_not_disturb_the_command() {
    let mut running = start(&sh("seq 1 20000; echo done >&2"), Closed, io::sink());
    let (lines, exit) = finish(&mut running).await;
    assert_eq!(exit.code, Some(0));
    assert_eq!(lines.iter().filter(|line| line.kind == EventKind::StdoutClosed).count(), 1);
    assert!(lines.iter().any(|line| line.text == "done"));
}

#[tokio::test]
async fn its_exit_is_known_though_a_child_holds_its_pipes_and_the_child_does_not_outlive_it() {
    let mut running = start(&sh("sleep 1000 & echo $!; exit 5"), io::sink(), io::sink());
    let pid = next_pid(&mut running).await;
    let (_, exit) = finish(&mut running).await;
    assert_eq!(exit.code, Some(5));
    assert!(!lives(&pid));
}

#[tokio::test]
async fn daemons_and_those_with_a_clean_environment_do_not_outlive_it() {
    let script = "setsid sh -c 'sleep 1000 & echo $!' & wait; (env -i sleep 1000) & echo $!; wait";
    let mut running = start(&sh(script), io::sink(), io::sink());
    let pids = [next_pid(&mut running).await, next_pid(&mut running).await];
    assert!(pids.iter().all(|pid| lives(pid)));
    running.end();
    let (_, exit) = finish(&mut running).await;
    assert_eq!(exit.signal, Some(Signal::TERM.as_raw()));
    assert!(!pids.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()), "no zombie either: {pids:?}");
}

#[tokio::test]
async fn those_that_ignore_a_request_to_end_are_killed() {
    let mut running = start(&sh("trap '' TERM; sleep 1000 & echo $!; while :; do wait; done"), io::sink(), io::sink());
    let pid = next_pid(&mut running).await;
    running.end();
    let (_, exit) = finish(&mut running).await;
    assert_eq!(exit.signal, Some(Signal::KILL.as_raw()));
    assert!(!lives(&pid));
}

#[tokio::test]
async fn ending_one_command_leaves_another_alone() {
    let script = "trap 'exit 7' TERM; echo $$; while :; do sleep 0.01; done";
    let (mut one, mut other) = (start(&sh(script), io::sink(), io::sink()), start(&sh(script), io::sink(), io::sink()));
    let (_, pid) = (next_pid(&mut one).await, next_pid(&mut other).await);
    one.end_now();
    assert_eq!(finish(&mut one).await.1.signal, Some(Signal::KILL.as_raw()));
    assert!(lives(&pid));
    other.signal(Signal::TERM);
    assert_eq!(finish(&mut other).await.1.code, Some(7));
}

#[tokio::test]
async fn dropping_it_leaves_nothing_behind() {
    let mut running = start(&sh("sleep 1000 & echo $!; wait"), io::sink(), io::sink());
    let pid = next_pid(&mut running).await;
    drop(running);
    while lives(&pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_command_that_has_ended_leaves_no_zombie() {
    let mut running = start(&sh("echo $$"), io::sink(), io::sink());
    let pid = next_pid(&mut running).await;
    finish(&mut running).await;
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn a_command_that_can_not_start_says_why() {
    let error = |word: &str| {
        let command = Command::new([OsString::from(word)]).unwrap();
        command.spawn(|| Offset::ZERO, Output::inherited()).unwrap_err().to_string()
    };
    assert!(error("no-such-program").starts_with("could not start `no-such-program`: no such file; check"));
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(error(&script.to_string_lossy()).contains("permission denied; make it executable"));
    assert_eq!(Command::new([]), Err(NoProgram));
    assert_eq!(Command::new([OsString::new()]), Err(NoProgram));
}
