//! Requests on the wire match the command line: method, path, headers, body, certificates.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::super::support::fault::Plan;
use super::super::support::lapse::Lapse;
use super::super::support::server::{Protocol, Server};
use super::{briefly_failing, healthy};

#[test]
fn plain_http_does_not_need_the_system_certificates() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let none = std::ffi::OsStr::new("/nonexistent");
    let lapse = Lapse::against(&server, Protocol::Http1, ["--duration", "200ms", "--rate", "50/s"]);
    let ended = lapse.env("SSL_CERT_FILE", none).env("SSL_CERT_DIR", none).end();
    assert!(!ended.stderr.contains("does not answer"), "{}", ended.stderr);
}

/// Returns the one request that `lapse run` sends with `args`, in lower case, read up to `end`.
fn request_sent<'a>(url: &str, args: impl IntoIterator<Item = &'a str>, end: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reading = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let (mut seen, mut buffer) = (String::new(), [0; 1024]);
        while !seen.ends_with(end) {
            let count = tcp.read(&mut buffer).unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        seen
    });
    let redirect = format!("wine.invalid:80:127.0.0.1:{port}");
    let once = ["--lanes", "new", "--rate", "1/s", "--duration", "1s", "--timeout", "5s"];
    let ended = Lapse::run([url, "--connect-to", &redirect]).and(args).and(once).end();
    assert_eq!(ended.report().lane("new").answered(), 1, "{}", ended.stderr);
    reading.join().unwrap().to_lowercase()
}

#[test]
fn the_request_has_the_given_method_path_headers_and_body() {
    let args = ["-X", "PUT", "-H", "X-Cork: natural", "-d", "corked"];
    let seen = request_sent("http://wine.invalid/cellar?red=1", args, "corked");
    for part in
        ["put /cellar?red=1 http/1.1\r\n", "host: wine.invalid\r\n", "x-cork: natural\r\n", "content-length: 6\r\n"]
    {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
}

#[test]
fn a_post_without_a_body_sends_content_length_zero() {
    let seen = request_sent("http://wine.invalid/", ["-X", "POST"], "\r\n\r\n");
    assert!(seen.contains("content-length: 0\r\n"), "{seen}");
}

#[test]
fn a_query_without_a_path_is_sent_and_a_fragment_is_not() {
    // DELETE, because a check request by another client precedes a GET.
    let seen = request_sent("http://wine.invalid?red=1#top", ["-X", "DELETE"], "\r\n\r\n");
    assert!(seen.starts_with("delete /?red=1 http/1.1\r\n"), "{seen}");
}

#[test]
fn several_targets_are_reported_separately() {
    let (well, failing) = (healthy(), briefly_failing());
    let (first, second) = (format!("well={}", well.url()), format!("failing={}", failing.url()));
    let report =
        Lapse::run(["--target", &first, "--target", &second, "--rate", "100/s", "--duration", "1s"]).end().report();
    let failed = |name: &str| report.targets.iter().find(|target| target.name == name).unwrap().totals.failed;
    assert_eq!((failed("well"), failed("failing")), (0, failing.ledger_of(&report).failed().count() as u64));
    assert!(report.failures.kept.iter().all(|failure| failure.target == "failing"));
}

#[test]
fn a_client_certificate_is_sent_to_a_server_that_requires_one() {
    let server = Server::start(Protocol::Mutual, Plan::healthy());
    let file = server.certificate();
    let args = ["--lanes", "new", "--rate", "20/s", "--duration", "500ms"];
    let without = Lapse::against(&server, Protocol::Mutual, args).end().report();
    let lane = without.lane("new");
    assert_eq!(lane.count("tls"), lane.offered, "{:?}", lane.classes);
    assert!(server.ledger().requests.is_empty());
    let shown = Lapse::against(&server, Protocol::Mutual, args).end_with(["--cert", file, "--key", file]).report();
    let lane = shown.lane("new");
    assert_eq!(lane.answered(), lane.offered, "{:?}", lane.classes);
}
