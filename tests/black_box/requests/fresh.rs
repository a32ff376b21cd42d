//! Headers that are read anew while a run goes on.

use std::fs;
use std::time::Duration;

use super::super::support::lapse::Lapse;
use super::super::support::recorder::{Recorder, Seen};

fn well(_: &Seen) -> (u16, String) {
    (200, String::new())
}

/// All that a run wrote into its folder, and what it printed, has none of `secrets`.
fn is_nowhere(folder: &std::path::Path, printed: &[&str], secrets: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "a report has a secret");
    }
    assert!(secrets.iter().all(|secret| printed.iter().all(|text| !text.contains(secret))), "{printed:?}");
}

#[test]
fn a_token_in_a_file_is_sent_until_it_is_replaced_and_then_the_next_one() {
    for http2 in [false, true] {
        let server = Recorder::start(http2, well);
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        fs::write(&token, "first-secret\n").unwrap();
        let header = format!("Authorization: Bearer @{}", token.display());
        let flags = ["--fresh-header", &header, "--fresh-every", "20ms", "-H", "Authorization: stale"];
        let run = Lapse::run([server.url("/")]).and(flags).and(http2.then_some("--http2"));
        let run = run.and(["--rate", "100/s", "--duration", "1s", "--resolution", "1s"]).start();
        while server.seen().len() < 10 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Replaced at once, as the kubelet replaces the token of a pod.
        let next = folder.path().join("next");
        fs::write(&next, "second-secret").unwrap();
        fs::rename(&next, &token).unwrap();
        let ended = run.end();
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let mut sent: Vec<_> = server.seen().iter().map(|seen| seen.header("authorization").to_owned()).collect();
        assert!(
            sent.len() > 20
                && server.seen().iter().all(|seen| seen.headers.get_all("authorization").iter().count() == 1)
        );
        // Of two lanes one may have been a moment ahead.
        sent.dedup();
        assert_eq!(
            (sent.first().unwrap().as_str(), sent.last().unwrap().as_str()),
            ("Bearer first-secret", "Bearer second-secret")
        );
        assert!(sent.iter().all(|value| value.ends_with("-secret")), "{sent:?}");
        let report = ended.report();
        let told = report.events.iter().filter(|event| event.kind == "header-changed").count();
        assert_eq!(told, 1, "once for a change, not once for a reading");
        is_nowhere(&ended.run_folder(), &[&ended.stdout, &ended.stderr], &["first-secret", "second-secret"]);
    }
}

#[test]
fn what_a_command_prints_is_sent_and_kept_when_the_command_fails_later() {
    let server = Recorder::start(false, well);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "only-secret\n").unwrap();
    let header = format!("X-Token: $(cat '{}')", token.display());
    let run = Lapse::run([server.url("/"), "--fresh-header".into(), header, "--fresh-every".into(), "20ms".into()]);
    let run = run.and(["--rate", "100/s", "--duration", "1s", "--resolution", "1s"]).start();
    while server.seen().len() < 10 {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(&token).unwrap();
    let ended = run.end();
    assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(server.seen().iter().all(|seen| seen.header("x-token") == "only-secret"));
    let report = ended.report();
    let said = "the header x-token cannot be read: its command ended with exit status: 1";
    let told = report.events.iter().filter(|event| event.text.contains(said)).count();
    assert_eq!(told, 1, "once, not at each reading");
    assert!(ended.stdout.contains(said), "the report's notes have it: {}", ended.stdout);
    is_nowhere(&ended.run_folder(), &[&ended.stdout, &ended.stderr], &["only-secret"]);
}

#[test]
fn a_header_that_cannot_be_read_before_the_run_ends_it_there() {
    let server = Recorder::start(false, well);
    for (header, said) in [
        ("A: @no-such-file", "the header a cannot be read: the file no-such-file: No such file or directory"),
        ("A: $(no-such-program x)", "the header a cannot be read: its command could not be started: No such file"),
        ("A: $(false)", "the header a cannot be read: its command ended with exit status: 1"),
        ("A: $(printf 'a\\nb')", "the header a cannot be read: it has characters that no header may have"),
        ("A: $(true)", "the header a cannot be read: it is empty"),
        ("A: secret", "its value names no source: end it with @FILE or $(COMMAND)"),
    ] {
        let ended = Lapse::run([server.url("/")]).and(["--duration", "1s", "--fresh-header", header]).end();
        assert_eq!(ended.code(), Some(2), "{header}: {}", ended.stderr);
        assert!(ended.stderr.contains(said) && !ended.left_files(), "{header}: {}", ended.stderr);
    }
    assert!(server.seen().is_empty(), "nothing was sent");
}
