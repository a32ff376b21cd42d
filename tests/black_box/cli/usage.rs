//! Wrong usage is refused before the first probe, with an error that names the argument or the fix.

use super::super::support::lapse::Lapse;
use super::healthy;

#[test]
fn invalid_arguments_are_refused_before_the_first_probe() {
    let server = healthy();
    let url = server.url();
    let cases: &[(&[&str], &str)] = &[
        (&[], ""),
        (&["ftp://x/"], "ftp"),
        (&["not a url"], "not a url"),
        (&["http://127.0.0.1:80800/"], "80800"),
        (&["http://127.0.0.1:808O/"], "808O"),
        (&["http://127.0.0.1:0/"], "port 0"),
        (&["http://user:secret@127.0.0.1/"], "Authorization"),
        (&["--target", "a=127.0.0.1:80"], "http://127.0.0.1:80"),
        (&[&url, "-H", "Content-Length: 5"], "--data"),
        (&[&url, "-X", "HEAD", "--expect-body", "ok"], "--expect-body"),
        (&[&url, "--report", "json=/dev/null", "--report", "csv=/dev/null"], "/dev/null"),
        (&[&url, "--no-kube", "--release", "shop"], "--no-kube"),
        (&[&url, "--rate", "0"], "0"),
        (&[&url, "--rate", "fast"], "fast"),
        (&[&url, "--duration", "soon"], "soon"),
        (&[&url, "--lanes", "reused,sideways"], "sideways"),
        (&[&url, "--expect", "900000"], "900000"),
        (&[&url, "--expect-body", "("], "--expect-body"),
        (&[&url, "--max-outage", "sideways=1s"], "sideways"),
        (&[&url, "--max-failed", "101%"], "101%"),
        (&[&url, "--max-outage", "1s", "--max-outage", "2s"], "--max-outage"),
        (&[&url, "--max-failed", "1%", "--min-availability", "90%"], "--min-availability"),
        (&[&url, "--http1.1", "--http2"], "--http2"),
        (&[&url, "--cacert", "/no/such/file"], "/no/such/file"),
        (&[&url, "--connect-to", "nonsense"], "nonsense"),
        (&["/no/such/scenario.yaml"], "/no/such/scenario.yaml"),
        (&[&url, "--out", "/dev/null/reports"], "/dev/null/reports"),
        (&[&url, "--no-such-flag"], "--no-such-flag"),
    ];
    for (args, named) in cases {
        // Keeps the run short if it is not refused.
        let short: &[&str] = if args.contains(&"--duration") { &[] } else { &["--duration", "100ms"] };
        let ended = if args.contains(&"--out") { Lapse::new(["run"]) } else { Lapse::run::<&str>([]) };
        let ended = ended.end_with(args.iter().chain(short));
        assert!(!ended.left_files(), "{args:?}");
        assert_eq!(ended.code(), Some(2), "{args:?}\n{}", ended.stderr);
        assert!(ended.stderr.contains(named), "{args:?} is not named in: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {}", ended.stderr);
    }
    assert!(server.ledger().start.is_none(), "the server saw no connection");
}

#[test]
fn the_error_for_a_misspelt_scenario_key_names_the_line_and_the_right_key() {
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
