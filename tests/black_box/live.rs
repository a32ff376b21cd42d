//! The live page over plain HTTP: it follows the run, checks the Host header, and does not delay the end of the run.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse, Running};
use super::support::server::{Protocol, Server};

/// Starts a run with a live page; returns it with the page's address once that accepts connections.
fn start_live(server: &Server, duration: &str) -> (Running, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let live = format!("--live={free}");
    let running = Lapse::against(server, Protocol::Http1, ["--rate", "100/s", "--duration", duration, &live]).start();
    while TcpStream::connect(free).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    (running, free)
}

/// A server that answers 503 from the beginning.
fn failing() -> Server {
    Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 0, 600_000))
}

/// The response, head and body, to a GET of `path` with the Host header `host`.
pub(super) fn get(at: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn version(page: &str) -> u64 {
    let header = page.lines().find_map(|line| line.strip_prefix("x-version: "));
    header.expect("the next page has a version").parse().unwrap()
}

#[test]
fn the_page_follows_the_run_and_ends_with_its_report() {
    let server = failing();
    let (running, at) = start_live(&server, "3s");
    let page = get(at, "/", "localhost");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("RUNNING"), "{page:.400}");
    let (mut last, mut pages) = (get(at, "/next?after=0", "127.0.0.1"), 1);
    while last.contains("RUNNING") {
        let next = get(at, &format!("/next?after={}", version(&last)), "127.0.0.1");
        assert!(version(&next) > version(&last));
        (last, pages) = (next, pages + 1);
    }
    assert!(pages > 2, "{pages} pages");
    let kept = get(at, "/", "127.0.0.1");
    let ended: Ended = running.end();
    let written = std::fs::read_to_string(ended.run_folder().join("report.html")).unwrap();
    assert!(last.ends_with(&written) && kept.ends_with(&written), "the last page is not the report");
    assert!(written.contains("status 503"));
}

#[test]
fn a_foreign_host_header_is_refused() {
    let server = failing();
    let (running, at) = start_live(&server, "1s");
    for name in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        let answer = get(at, "/", name);
        assert!(answer.starts_with("HTTP/1.1 421") && !answer.contains("503"), "{name}: {answer}");
    }
    assert!(get(at, "/etc/passwd", "localhost").starts_with("HTTP/1.1 404"));
    running.end();
}

#[test]
fn an_address_in_use_is_refused_before_the_first_probe() {
    let (server, taken) = (failing(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = taken.local_addr().unwrap().to_string();
    let before = server.ledger().requests.len();
    let ended = Lapse::against(&server, Protocol::Http1, ["--duration", "1s"]).end_with([format!("--live={address}")]);
    assert_eq!((ended.code(), ended.left_files()), (Some(2), false), "{}", ended.stderr);
    assert!(ended.stderr.contains(&address) && ended.stderr.contains("--live"), "{}", ended.stderr);
    assert_eq!(server.ledger().requests.len(), before);
}
