//! Tests of the test server itself: its faults on the wire and its ledger, seen by plain `TcpStream` and `h2` clients.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::support::clock;
use super::support::fault::{Fault, Plan};
use super::support::server::{Protocol, Server};

/// The end of a fault that outlasts its test, in milliseconds.
const ALWAYS: u64 = 60_000;

/// Sends one request on a new connection; returns the bytes received and the error that ended the connection, if any.
fn request(server: &Server) -> (String, Option<ErrorKind>) {
    let mut tcp = match TcpStream::connect(server.address()) {
        Ok(tcp) => tcp,
        Err(error) => return (String::new(), Some(error.kind())),
    };
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    tcp.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    loop {
        match tcp.read(&mut buffer) {
            Ok(0) => return (String::from_utf8(answer).unwrap(), None),
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) => return (String::from_utf8(answer).unwrap(), Some(error.kind())),
        }
    }
}

/// A server with `fault` in force all the time.
fn always(fault: Fault) -> Server {
    Server::start(Protocol::Http1, Plan::healthy().then(fault, 0, ALWAYS))
}

#[test]
fn each_fault_shows_on_the_wire() {
    let kept_open = Some(ErrorKind::WouldBlock);
    let cases = [
        (Fault::Status(503), "HTTP/1.1 503", "no healthy upstream\n", kept_open),
        (Fault::Rst, "", "", Some(ErrorKind::ConnectionReset)),
        (Fault::Fin, "", "", None),
        (Fault::Hang, "", "", kept_open),
        (Fault::Truncate, "HTTP/1.1 200", "xxx", None),
        (Fault::TruncateRst, "HTTP/1.1 200", "xxx", Some(ErrorKind::ConnectionReset)),
        (Fault::HeadCut, "HTTP/1.1 200", "server: wea", None),
        (Fault::Malformed, "SSH-2.0", "\r\n", None),
        (Fault::WrongBody, "HTTP/1.1 200", "no healthy upstream\n", kept_open),
        (Fault::ConnectionClose, "HTTP/1.1 200", "fine\n", None),
        (Fault::IdleFin, "HTTP/1.1 200", "fine\n", None),
    ];
    for (fault, starts, ends, ended) in cases {
        let server = always(fault);
        let (answer, error) = request(&server);
        assert!(answer.starts_with(starts) && answer.ends_with(ends), "{fault:?}: {answer:?}");
        assert_eq!(error, ended, "{fault:?}");
        let ledger = server.ledger();
        assert_eq!(ledger.requests.len(), 1, "{fault:?}");
        assert_eq!(ledger.requests[0].hit, Some((0, fault)));
    }
}

#[test]
fn a_request_is_hit_exactly_if_it_was_read_while_the_fault_was_in_force() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 50, 150));
    let mut refused = 0;
    while server.ledger().start.is_none_or(|start| clock::now() < start + 200_000_000) {
        refused += u64::from(first_bytes(&server).starts_with("HTTP/1.1 503"));
    }
    let truth = server.truths()[0];
    assert_eq!(truth.length(), (100_000_000, 100_000_000));
    let ledger = server.ledger();
    assert_eq!(ledger.hits(0), refused);
    assert!(
        ledger
            .requests
            .iter()
            .all(|request| { request.hit.is_some() == (truth.began.0 <= request.at && request.at < truth.ended.0) })
    );
}

/// Sends one request on a new connection; returns the first bytes of the answer.
fn first_bytes(server: &Server) -> String {
    let mut tcp = TcpStream::connect(server.address()).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut buffer = [0; 64];
    let count = tcp.read(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[test]
fn a_closed_listener_resets_open_connections_and_refuses_new_ones() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Refuse, 50, 250));
    let mut inside = TcpStream::connect(server.address()).unwrap();
    let error = inside.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let mut classes = std::collections::BTreeSet::new();
    while server.ledger().edges.is_empty() {
        classes.extend(request(&server).1.map(|kind| kind.to_string()));
    }
    assert!(classes.contains(&ErrorKind::ConnectionRefused.to_string()), "{classes:?}");
    assert!(first_bytes(&server).starts_with("HTTP/1.1 200"));
    let truth = server.truths()[0];
    assert!(truth.began.0 >= server.ledger().start.unwrap() + 50_000_000);
    assert!(truth.length().0 <= truth.length().1);
}

#[test]
fn a_frozen_server_answers_when_the_freeze_ends() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Freeze, 0, 200));
    assert!(first_bytes(&server).starts_with("HTTP/1.1 200"));
    assert!(clock::now() >= server.ledger().start.unwrap() + 200_000_000);
}

/// Sends one request with an independent HTTP/2 client; returns the status and the body, or the client's error.
async fn request_http2(server: &Server) -> Result<(u16, String), String> {
    let tcp = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (mut send, connection) = h2::client::handshake(tcp).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("http://x/").body(()).unwrap();
    let (response, _) = send.send_request(request, true).map_err(|error| error.to_string())?;
    drop(send);
    let mut response = response.await.map_err(|error| error.to_string())?;
    let mut body = Vec::new();
    while let Some(data) = response.body_mut().data().await {
        body.extend_from_slice(&data.map_err(|error| format!("{} then {error}", response.status().as_u16()))?);
    }
    connection.abort();
    Ok((response.status().as_u16(), String::from_utf8(body).unwrap()))
}

#[test]
fn an_independent_http2_client_sees_each_fault() {
    let good = Ok((200, "fine\n".to_owned()));
    let cases = [
        (Fault::Status(503), Ok((503, "no healthy upstream\n".to_owned()))),
        (Fault::WrongBody, Ok((200, "no healthy upstream\n".to_owned()))),
        (Fault::Slow(std::time::Duration::from_millis(20)), good.clone()),
        (Fault::GoAwayGraceful, good.clone()),
        (Fault::IdleFin, good),
        (Fault::RstStream, Err("refused")),
        (Fault::GoAwayRefuse, Err("not a result of an error")),
        // The client's wording for the end of a connection varies.
        (Fault::Rst, Err("")),
        (Fault::Fin, Err("")),
        (Fault::HeadCut, Err("")),
        (Fault::Malformed, Err("")),
        (Fault::Truncate, Err("200 then")),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (fault, expected) in cases {
        let server = Server::start(Protocol::Http2, Plan::healthy().then(fault, 0, ALWAYS));
        let seen = runtime.block_on(request_http2(&server));
        match (&seen, &expected) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{fault:?}: {error}"),
            _ => assert_eq!(seen, expected.map_err(str::to_owned), "{fault:?}"),
        }
        assert_eq!(server.ledger().requests[0].hit, Some((0, fault)));
    }
}
