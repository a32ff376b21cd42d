//! Responses as servers send them, and hyper's opinion of the same bytes.

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What a response comes to, once the server has closed the connection after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Outcome {
    status: Option<u16>,
    body: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// The response is complete.
    Whole,
    /// The connection was closed within it.
    #[default]
    Cut,
    Malformed,
}

impl Sink for Outcome {
    fn head(&mut self, status: u16, _: &[Header<'_>]) {
        self.status = Some(status);
    }

    fn body(&mut self, bytes: &[u8]) {
        self.body.extend(bytes);
    }
}

/// Reads the pieces; returns the outcome, whether the connection may be used again, and why the bytes were refused.
fn read(method: &Method, pieces: &[&[u8]]) -> (Outcome, bool, Option<Malformed>) {
    let (mut reader, mut outcome) = (ResponseReader::new(method, false), Outcome::default());
    for (place, piece) in pieces.iter().enumerate() {
        match reader.read(piece, &mut outcome) {
            Err(why) => return (Outcome { end: End::Malformed, ..outcome }, false, Some(why)),
            Ok(rest) if reader.is_complete() => {
                outcome.end = End::Whole;
                return (outcome, rest.is_empty() && place + 1 == pieces.len() && reader.keeps_alive(), None);
            }
            Ok(rest) => assert_eq!(rest, b""),
        }
    }
    let end = if reader.ends_with_connection() { End::Whole } else { End::Cut };
    (Outcome { end, ..outcome }, false, None)
}

fn get(bytes: &str) -> (Outcome, bool, Option<Malformed>) {
    read(&Method::GET, &[bytes.as_bytes()])
}

fn body(bytes: &str) -> String {
    let (outcome, _, malformed) = get(bytes);
    assert_eq!((outcome.end, malformed), (End::Whole, None), "{bytes}");
    String::from_utf8(outcome.body).unwrap()
}

#[test]
fn a_body_ends_where_its_framing_says() {
    assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), "ok");
    assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\nContent-Length: 2\r\n\r\nok"), "ok");
    assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nall there is"), "all there is");
    assert_eq!(body("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ncontent-length: 1\r\n\r\nall"), "all");
    let chunks = "2;a=b\r\nok\r\n1 \r\n!\r\n0\r\ndigest: x\r\n\r\n";
    assert_eq!(body(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n{chunks}")), "ok!");
    assert_eq!(body("HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n"), "");
    assert_eq!(body("HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), "ok");
    let head = read(&Method::HEAD, &[b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"]);
    assert_eq!((head.0.end, head.1), (End::Whole, true));
}

#[test]
fn another_request_may_follow_only_where_both_sides_know_that_this_one_is_over() {
    let again = |bytes: &str| get(bytes).1;
    assert!(again("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert!(again("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n"));
    assert!(!again("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert!(!again(
        "HTTP/1.1 200 OK\r\nconnection: upgrade, close\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"
    ));
    assert!(!again("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore"));
    assert!(!again("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"));
    let mut closing = ResponseReader::new(&Method::GET, true);
    closing.read(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &mut Outcome::default()).unwrap();
    assert!(closing.is_complete() && !closing.keeps_alive(), "the request asked for the close");
}

#[test]
fn what_is_no_http_is_refused_with_the_reason() {
    let refused = |bytes: &str| get(bytes).2.map(|why| why.to_string()).unwrap_or_default();
    let of = |fields: &str| refused(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"));
    assert_eq!(refused("SSH-2.0-OpenSSH\r\n"), "the head is not HTTP/1.1: invalid HTTP version");
    assert_eq!(refused("HTTP/1.1 099 Odd\r\n\r\n"), "status 99 is none of HTTP");
    for length in ["content-length: +2", "content-length:", "content-length: 2\r\ncontent-length: 3"] {
        assert_eq!(of(length), Malformed::ContentLength.to_string(), "{length}");
    }
    assert_eq!(
        refused("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        Malformed::TransferEncoding.to_string()
    );
    for (chunks, why) in
        [("\r\n", Malformed::ChunkSize), ("2\n", Malformed::ChunkSize), ("1\r\nok", Malformed::ChunkEnd)]
    {
        let bytes = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(refused(&bytes), why.to_string(), "{chunks:?}");
    }
}

#[test]
fn what_never_ends_is_refused() {
    let (name, interim) = (vec![b'a'; 1 << 10], b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
    let line = [b"HTTP/1.1 200 OK\r\n", &name[..]].concat();
    let pieces = |first: &'static [u8], more| [vec![first], vec![more; 200]].concat();
    let outcome = |pieces: &[&[u8]]| read(&Method::GET, pieces).2;
    assert_eq!(outcome(&pieces(b"HTTP/1.1 200 OK\r\n", &name)), Some(Malformed::TooLong));
    assert_eq!(outcome(&[vec![&line[..]], vec![&name[..]; 200]].concat()), Some(Malformed::TooLong));
    assert_eq!(outcome(&pieces(b"", &interim)), Some(Malformed::Interim));
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;";
    assert_eq!(outcome(&pieces(chunked, &name)), Some(Malformed::TooLong));
}

/// What hyper makes of the same pieces.
async fn by_hyper(method: &Method, pieces: &[&[u8]]) -> Outcome {
    let (client, mut server) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
    let serve = async {
        // An answer that comes before its request is none.
        assert!(server.read(&mut [0; 512]).await.unwrap() > 0);
        for piece in pieces {
            // A client that has seen enough closes.
            drop(server.write_all(piece).await);
            tokio::task::yield_now().await;
        }
        drop(server.shutdown().await);
    };
    let request = Request::builder().method(method).uri("/").body(Empty::<&[u8]>::new()).unwrap();
    let exchange = async {
        let mut outcome = Outcome::default();
        let end = |error: hyper::Error| {
            let cut = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
            let cut = cut.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof);
            if cut || error.is_incomplete_message() { End::Cut } else { End::Malformed }
        };
        match sender.send_request(request).await {
            Err(error) => outcome.end = end(error),
            Ok(response) => {
                outcome.status = Some(response.status().as_u16());
                let mut body = response.into_body();
                outcome.end = loop {
                    match body.frame().await {
                        None => break End::Whole,
                        Some(Err(error)) => break end(error),
                        Some(Ok(frame)) => outcome.body.extend(frame.data_ref().into_iter().flatten()),
                    }
                };
            }
        }
        outcome
    };
    let drive = async { drop(connection.await) };
    let ((), (), outcome) = tokio::join!(drive, serve, exchange);
    outcome
}

fn field() -> impl Strategy<Value = String> {
    let length = select(vec!["0", "3", "5", "3, 3", "+3", "x", "", "99999999999999999999"]);
    prop_oneof![
        length.prop_map(|length| format!("Content-Length: {length}")),
        select(vec!["chunked", "gzip, chunked", "gzip", "chunked, gzip"])
            .prop_map(|to| format!("Transfer-Encoding: {to}")),
        select(vec!["close", "keep-alive", "upgrade, close"]).prop_map(|to| format!("connection: {to}")),
        "[a-z]{1,8}: [ -~]{0,12}".prop_map(|field| field),
    ]
}

prop_compose! {
    /// A response of usual parts, which may contradict one another.
    fn response()(
        interim in select(vec!["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"]),
        version in select(vec!["1.1", "1.1", "1.0"]),
        status in select(vec![99_u16, 101, 200, 200, 204, 301, 304, 404, 503, 999]),
        fields in prop::collection::vec(field(), 0..4),
        body in select(vec!["", "fine", "3\r\nabc\r\n0\r\n\r\n", "3;x=\"y\"\r\nabc\r\n2 \r\nde\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n"]),
    ) -> Vec<u8> {
        let line = format!("{interim}HTTP/{version} {status:03} Reason");
        [&[line], &fields[..], &[String::new(), body.to_owned()]].concat().join("\r\n").into_bytes()
    }
}

proptest! {
    /// Any bytes, cut into any pieces, are to lapse what they are to hyper.
    #[test]
    fn hyper_reads_the_same(
        mut bytes in response(),
        head in any::<bool>(),
        wrong in prop::option::weighted(0.3, (any::<Index>(), select(&b"\r :;,0a\0"[..]))),
        until in prop::option::weighted(0.3, any::<Index>()),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        if let Some((at, byte)) = wrong {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(until.map_or(bytes.len(), |until| until.index(bytes.len())));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).filter(|piece| !piece.is_empty()).collect();
        let method = if head { Method::HEAD } else { Method::GET };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (own, mut hypers) = (read(&method, &pieces).0, runtime.block_on(by_hyper(&method, &pieces)));
        // Both look for the end of a part that comes in pieces before they look into it, though not in the same way: what
        // is nonsense and cut may be called either.
        if wrong.is_some() && own.end != End::Whole && hypers.end != End::Whole {
            hypers.end = own.end;
        }
        prop_assert_eq!(own, hypers, "{:?}", String::from_utf8_lossy(&bytes));
    }
}
