//! A server whose answers a test writes: which status and headers each request gets, by its head and the time since the
//! first request of a run.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;

use super::http2::{END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, next_request};
use super::wire::Wire;
use super::{clock, listener};

/// What a test says of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The version of HTTP that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

/// A running server. Its threads end with the tests.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    /// When the script began, by the monotonic clock.
    began: Arc<OnceLock<u64>>,
}

impl Scripted {
    /// Starts a server. `script` gets the head of a request (empty over HTTP/2) and the milliseconds since the first
    /// request, which is that of the check before a run.
    pub(crate) fn start(
        speaks: Speaks,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&str, u64) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::at(listener::bind(), speaks, tls, script)
    }

    /// The same behind a port that is bound already.
    pub(crate) fn at(
        listener: std::net::TcpListener,
        speaks: Speaks,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&str, u64) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let (address, script) = (listener.local_addr().unwrap(), Arc::new(script));
        let began: Arc<OnceLock<u64>> = Arc::default();
        let start = Arc::clone(&began);
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (script, tls, start) = (Arc::clone(&script), tls.clone(), Arc::clone(&start));
                let serve = move || -> io::Result<()> {
                    let mut wire = Wire::new(tcp, tls.as_ref())?;
                    let since = || {
                        let start = *start.get_or_init(clock::now);
                        clock::now().saturating_sub(start) / 1_000_000
                    };
                    match speaks {
                        Speaks::Http1 => http1(&mut wire, |head| script(head, since())),
                        Speaks::Http2 => http2(&mut wire, |head| script(head, since())),
                    }
                };
                std::thread::Builder::new().stack_size(256 << 10).spawn(serve).expect("a thread for the connection");
            }
        });
        Self { address, began }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// When the script began, by the monotonic clock.
    pub(crate) fn began(&self) -> u64 {
        *self.began.get().expect("a request came")
    }
}

fn http1(wire: &mut Wire, answer: impl Fn(&str) -> Answer) -> io::Result<()> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = wire.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&buffer[..read]);
        while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = bytes.drain(..end + 4).collect();
            let Answer { status, headers } = answer(&String::from_utf8_lossy(&head));
            let mut reply = format!("HTTP/1.1 {status} Whatever\r\n");
            for (name, value) in &headers {
                reply.extend([name, ": ", value, "\r\n"]);
            }
            wire.write_all((reply + "content-length: 0\r\n\r\n").as_bytes())?;
        }
    }
}

fn http2(wire: &mut Wire, answer: impl Fn(&str) -> Answer) -> io::Result<()> {
    wire.read_exact(&mut [0; PREFACE.len()])?;
    wire.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    while let Some(stream) = next_request(wire)? {
        let Answer { status, headers } = answer("");
        let status = (":status".to_owned(), status.to_string());
        let block: Vec<u8> = [status].iter().chain(&headers).flat_map(|(name, value)| literal(name, value)).collect();
        wire.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block))?;
    }
    Ok(())
}

/// A header field of HPACK that is in no table; its name and value have fewer than 127 bytes.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}
