//! A real service behind a replay answers while the recorded one was well.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{measure, story};
use crate::support::fault::{Fault, Plan};
use crate::support::lapse::Lapse;
use crate::support::replay::{Replay, header};
use crate::support::server::{Protocol, Server};

/// A service that answers each request with what it read of it, until this is dropped.
struct Echo {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, ended) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&ended);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let ends = Arc::clone(&ends);
                std::thread::spawn(move || answer_all(stream.unwrap(), &ends));
            }
        });
        Self { address, ended }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers the requests on one connection; closes it without an answer once the service has ended.
fn answer_all(mut stream: TcpStream, ended: &AtomicBool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader).filter(|_| !ended.load(Ordering::Relaxed)) {
        let head = "HTTP/1.1 201 Created\r\nconnection: keep-alive, x-private\r\nkeep-alive: timeout=5\r\nx-private: 1\r\n\
                    x-public: 2";
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{request}", request.len()).unwrap();
    }
}

/// The head and the body of the next request, a line each; `None` at the end of the stream.
fn read(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let mut body = String::new();
    if let Some(length) = header(&head, "content-length") {
        reader.take(length.parse().unwrap()).read_to_string(&mut body).unwrap();
    } else if header(&head, "transfer-encoding").is_some() {
        while !body.ends_with("0\r\n\r\n") {
            (reader.read_line(&mut body).ok()? > 0).then_some(())?;
        }
    }
    Some(format!("{head}{body}"))
}

/// Sends `request` on a connection of its own; returns the answer.
fn send(replay: &Replay, request: &str) -> String {
    let mut stream = TcpStream::connect(replay.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_was_well_is_answered_by_the_upstream_and_what_failed_is_played() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 300, 700));
    let first = measure(&server.url(), "100/s", "1s", "700ms");
    let echo = Echo::start();
    let upstream = format!("http://{}/shop/", echo.address);
    let args = ["--from", "400ms", "--to", "650ms", "--speed", "0.01", "--start", "asked", "--control", "0"];
    let replay = Replay::start(&first.run_folder(), args.into_iter().chain(["--upstream", &upstream]));
    let request = "PATCH /cart?a=b HTTP/1.1\r\nhost: replay\r\nconnection: close, x-hop\r\nx-hop: 1\r\nx-kept: 2\r\n\
                   transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let answer = send(&replay, request);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let (head, passed) = answer.split_once("\r\n\r\n").unwrap();
    assert!(passed.starts_with("PATCH /shop/cart?a=b HTTP/1.1\r\n") && passed.contains("hello"), "{passed}");
    let kept = |name| header(passed, name);
    assert_eq!((kept("host"), kept("x-kept")), (Some(echo.address.to_string()), Some("2".to_owned())), "{passed}");
    assert_eq!((kept("x-hop"), kept("connection")), (None, None), "{passed}");
    let of_answer = |name| header(head, name);
    assert_eq!(
        (of_answer("x-public").as_deref(), of_answer("x-private"), of_answer("keep-alive")),
        (Some("2"), None, None)
    );
    assert_eq!(of_answer("lapse-replay-offset").as_deref(), Some("before"));
    assert_eq!(of_answer("lapse-replay-upstream").as_deref(), Some("answered"));

    replay.command("POST", "/-/start");
    let (played, _) = replay.ask("GET", "/cart");
    assert!(played.starts_with("HTTP/1.1 503"), "{played}");
    assert_eq!(header(&played, "lapse-replay-upstream"), None, "{played}");

    replay.command("POST", "/-/reset");
    drop(echo);
    let (failed, _) = replay.ask("GET", "/cart");
    assert!(failed.starts_with("HTTP/1.1 502"), "{failed}");
    assert!(header(&failed, "lapse-replay-upstream").is_some_and(|why| why.starts_with("failed: ")), "{failed}");
}

#[test]
fn an_upstream_that_is_no_service_is_refused_at_the_start() {
    let ended = Lapse::new(["replay", story().to_str().unwrap(), "--upstream", "127.0.0.1"]).end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("--upstream 127.0.0.1: write the URL of a service"), "{}", ended.stderr);
}
