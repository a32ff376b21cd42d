//! Bodies and URLs by line of a file, in turn.

use std::path::{Path, PathBuf};

use super::super::support::lapse::Lapse;
use super::super::support::recorder::Recorder;

/// A file with this text in `folder`.
fn file(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn each_slot_sends_the_next_line_and_after_the_last_the_first_again() {
    let folder = tempfile::tempdir().unwrap();
    for http2 in [false, true] {
        let server = Recorder::start(http2, |_| (200, String::new()));
        let here = server.url("/red?n={slot}");
        let urls = file(folder.path(), "urls", format!("/white/{{slot}}\r\n{here}\n/ros\u{e9}?n={{slot}}"));
        let bodies = file(folder.path(), "bodies", "{\"qty\":1,\"slot\":{slot}}\n{\"qty\":22,\"slot\":{slot}}\n");
        let lapse = Lapse::run([server.url("/")]).and(["--rate", "100/s", "--duration", "500ms", "--resolution=1s"]);
        let lapse = lapse.and(http2.then_some("--http2"));
        let ended = lapse.and([Path::new("--url-lines"), &urls, Path::new("--data-lines"), &bodies]).end();
        let (seen, totals) = (server.seen(), &ended.report().targets[0].totals);
        assert!(seen.len() > 10 && totals.failed == 0, "{}", ended.stderr);
        for request in &seen {
            let slot: u64 = request.path.rsplit(['/', '=']).next().unwrap().parse().unwrap();
            let start = ["/white/", "/red?n=", "/ros%C3%A9?n="][usize::try_from(slot % 3).unwrap()];
            assert_eq!(request.path, format!("{start}{slot}"));
            assert_eq!(
                request.body,
                format!("{{\"qty\":{},\"slot\":{slot}}}", [1, 22][usize::try_from(slot % 2).unwrap()])
            );
            assert_eq!(request.header("content-length"), request.body.len().to_string());
        }
    }
}

#[test]
fn a_file_that_cannot_be_sent_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 8] = [
        ("--url-lines", b"/a\n\n/b", "f:2: the line is empty: take it out"),
        ("--url-lines", b"/a\nb\n", "f:2: \"b\" is neither a path nor a URL"),
        ("--url-lines", b"http://other:9/a\n", "f:1: \"http://other:9/a\" is not on http://127.0.0.1:9"),
        ("--url-lines", b"//other/a\n", "f:1: \"//other/a\" is not on http://127.0.0.1:9"),
        ("--url-lines", b"/a\n/\xff\n", "f:2: the line is not UTF-8"),
        ("--url-lines", b"", "f: the file is empty"),
        ("--data-lines", b"x\n\r\n", "f:2: the line is empty"),
        ("--data-lines", &b"x\n".repeat(100_001), "f: the file has more than 100000 lines"),
    ];
    let refused = |flag: &str, path: &Path, url: &str| {
        let ended = Lapse::run([url, "--duration", "1s", flag]).and([path]).end();
        assert_eq!((ended.code(), ended.left_files()), (Some(2), false), "{}", ended.stderr);
        ended.stderr
    };
    for (flag, text, expected) in cases {
        let said = refused(flag, &file(folder.path(), "f", text), "http://127.0.0.1:9/");
        assert!(said.contains(flag) && said.contains(expected), "{said} does not say {expected}");
    }
    let large = file(folder.path(), "large", vec![b'x'; (16 << 20) + 1]);
    assert!(refused("--data-lines", &large, "http://127.0.0.1:9/").contains("more than 16 MiB"));
    assert!(refused("--data-lines", &folder.path().join("none"), "http://127.0.0.1:9/").contains("cannot read"));
    assert!(refused("--data-lines", Path::new("/dev/zero"), "http://127.0.0.1:9/").contains("more than 16 MiB"));
    let call = refused("--data-lines", &large, "grpc://127.0.0.1:9/wine.Cellar/Pour");
    assert!(call.contains("--data-lines says nothing of a gRPC call") || call.contains("16 MiB"), "{call}");
}
