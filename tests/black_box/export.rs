//! A run that is handed on: what may be secret stays at home, and all else is read as if from its folder.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::report::Report;
use super::support::server::{Protocol, Server};

const SECRETS: [&str; 4] = ["hunter2", "abcdefghijkl", "c2hvcDpwdw", "4711"];

/// A run around a command whose words and output name secrets.
fn run() -> Ended {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 100, 300));
    let script = "echo for customer 4711; echo Authorization: Bearer abcdefghijkl; sleep 0.6";
    let flags = ["--baseline", "0s", "--settle", "100ms", "--rate", "200/s", "--quiet", "--no-kube"];
    let command = ["--", "sh", "-c", script, "--set", "db.password=hunter2", "--kube-token", "c2hvcDpwdw"];
    Lapse::against(&server, Protocol::Http1, flags).end_with(command)
}

fn exported(run: &Path, to: &Path) -> Ended {
    let [run, out] = [run, to].map(Path::as_os_str);
    let redact = ["--redact", "(?P<keep>customer )[0-9]+"].map(OsStr::new);
    Lapse::new(["export".as_ref(), run, "--out".as_ref(), out]).end_with(redact)
}

/// What `lapse COMMAND RUN` prints.
fn told(command: &str, run: &OsStr, format: &str) -> Ended {
    Lapse::new([command.as_ref(), run, "--format".as_ref(), format.as_ref()]).end()
}

/// Unpacks an archive with `tar`, as people do: all that is in it, one text a file.
fn unpacked(archive: &Path, folder: &Path) -> Vec<(PathBuf, String)> {
    std::fs::create_dir(folder).unwrap();
    let tar = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(folder).status().unwrap();
    assert!(tar.success());
    let top = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(top).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.clone(), String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned())).collect()
}

#[test]
fn an_exported_run_tells_the_same_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (ended, archive) = (run(), folder.path().join("shop.lapse.tar.gz"));
    let run = ended.run_folder();
    let made = exported(&run, &archive);
    assert_eq!(made.code(), Some(0), "{}", made.stderr);
    for named in [
        "a value that is called secret in the command line: 1 x",
        "an authorization in events and output: 1 x",
        "customer",
    ] {
        assert!(made.stdout.contains(named), "{named}: {}", made.stdout);
    }

    let files = unpacked(&archive, &folder.path().join("unpacked"));
    assert_eq!(files.len(), 4, "{files:?}");
    for (file, text) in &files {
        let leaked: Vec<_> = SECRETS.iter().filter(|secret| text.contains(**secret)).collect();
        // A figure may have the digits of a customer by chance.
        let is_text = |secret: &&&str| ***secret != *"4711" || text.contains("customer 4711");
        assert_eq!(leaked.iter().filter(|secret| is_text(secret)).count(), 0, "{}: {leaked:?}", file.display());
    }

    let own = Report::parse(&told("report", run.as_os_str(), "json").stdout);
    let theirs = told("report", archive.as_os_str(), "json");
    let read = Report::parse(&theirs.stdout);
    assert_eq!(format!("{:?}", read.targets), format!("{:?}", own.targets));
    let packed = files.iter().find(|(file, _)| file.ends_with("report.json")).map(|(_, text)| text.clone());
    assert_eq!(packed, Some(theirs.stdout), "what is packed is what is read");
    let why = |what: &OsStr| told("explain", what, "text").stdout;
    assert_eq!(why(archive.as_os_str()), why(run.as_os_str()));
    let compared = Lapse::new(["compare".as_ref(), run.as_os_str(), archive.as_os_str()]).end();
    assert!(!compared.stdout.contains("better") && !compared.stdout.contains("worse"), "{}", compared.stdout);

    let again = exported(&run, &archive);
    assert_eq!(again.code(), Some(2));
    assert!(again.stderr.contains("exists"), "{}", again.stderr);
}

#[test]
fn an_exported_run_is_read_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("shop.lapse.tar.gz");
    exported(&run().run_folder(), &archive);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = |path: &str| format!("http://{}/{path}", listener.local_addr().unwrap());
    let bytes = std::fs::read(&archive).unwrap();
    let serve = |status: &str, body: &[u8]| {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
        stream.write_all(body).unwrap();
    };
    let ask = |path: &str| Lapse::new(["report", &url(path)]).start();

    let reading = ask("shop.lapse.tar.gz");
    serve("200 OK", &bytes);
    let read = reading.end();
    assert_eq!(read.code(), Some(0), "{}", read.stderr);
    assert_eq!(read.stdout, Lapse::new(["report".as_ref(), archive.as_os_str()]).end().stdout);

    let missing = ask("gone.lapse.tar.gz");
    serve("404 Not Found", b"");
    let missing = missing.end();
    assert_eq!(missing.code(), Some(2));
    assert!(missing.stderr.contains("gone.lapse.tar.gz") && missing.stderr.contains("404"), "{}", missing.stderr);
}
