//! One request on one connection, over HTTP/1.1 or HTTP/2.
//!
//! HTTP/2 is hyper's connection API, which sends nothing twice; its streams share a task.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use httparse::Header;
use hyper::client::conn::http2;
use hyper::header::{HeaderValue, LOCATION, SERVER};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, spawn_local};

use super::classify;
use super::grpc::Told;
use super::http1::{Broken, Http1, Why};
use super::request::PreparedRequest;
use super::response::{ResponseReader, Sink};
use super::stream::{Idle, IoObservations, Socket, Stream, Watched};
use super::target::Expect;
use super::template::Turn;
use super::trace::{Failed, Stage, Trace};
use lapse_measure::answer::{Class, Connection};
use lapse_measure::time::Offset;

/// The bytes of a body that are kept for `--expect-body`.
const MATCHED: usize = 1 << 20;
/// The number of streams that share an HTTP/2 connection.
const STREAMS: usize = 64;

/// The addresses of a connection, and when it was opened.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) socket: Socket,
    pub(super) peer: Option<SocketAddr>,
    pub(super) local_port: Option<u16>,
    pub(super) born: Offset,
}

/// A connection that speaks HTTP.
#[derive(Debug)]
pub(super) struct HttpConnection {
    wire: Wire,
    origin: Origin,
    uses: Cell<u32>,
    /// When its last answer was complete, or when it was opened ahead of its first request.
    rested: Cell<Option<Offset>>,
    /// The state of its receive buffer when it was last checked.
    seen: Cell<Idle>,
    /// The backend that answered last, by the header that names it.
    backend: RefCell<Option<HeaderValue>>,
    /// The version that the last answer named.
    version: RefCell<Option<HeaderValue>>,
}

#[derive(Debug)]
enum Wire {
    Http1(Http1),
    Http2(Http2),
}

#[derive(Debug)]
struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    observed: Rc<IoObservations>,
    streams: Cell<usize>,
    /// Whether a probe on the connection failed.
    suspect: Cell<bool>,
    /// Whether any stream has been answered.
    answered: Cell<bool>,
    _task: Task,
}

/// Takes an answer for a probe.
struct Answer<'a> {
    connection: &'a HttpConnection,
    request: &'a PreparedRequest,
    trace: &'a Trace,
    /// The part of the body that is to be matched.
    matched: Vec<u8>,
    /// The status of a gRPC call.
    grpc: Told,
}

/// Spawns the tasks of an HTTP/2 connection, and keeps the handle of the first, which is the connection itself.
#[derive(Clone, Debug, Default)]
struct Local(Rc<RefCell<Option<AbortHandle>>>);

/// Ends an HTTP/2 connection when it is dropped.
#[derive(Debug)]
struct Task(Local);

// === impl HttpConnection ===

impl HttpConnection {
    fn new(wire: Wire, origin: Origin) -> Self {
        let (uses, rested, backend, version) = Default::default();
        Self { wire, origin, uses, rested, seen: Cell::new(Idle::Quiet), backend, version }
    }

    /// Speaks HTTP/1.1 on `stream`.
    pub(super) fn http1(stream: Stream, origin: Origin) -> Self {
        Self::new(Wire::Http1(Http1::new(stream)), origin)
    }

    /// Speaks HTTP/2 on `stream`.
    pub(super) async fn http2(stream: Stream, origin: Origin, trace: &Trace) -> Result<Self, Failed> {
        let (local, observed) = (Local::default(), Rc::new(IoObservations::default()));
        let io = TokioIo::new(Watched::new(stream, Rc::clone(&observed)));
        let handshake = http2::handshake(local.clone(), io).await;
        let (sender, connection) = handshake.map_err(|error| classify::http2(&error, &observed, false, trace))?;
        // How a connection ends is seen by each of its streams.
        local.execute(async move { drop(connection.await) });
        let (streams, suspect, answered) = Default::default();
        Ok(Self::new(Wire::Http2(Http2 { sender, observed, streams, suspect, answered, _task: Task(local) }), origin))
    }

    /// Whether several probes may use the connection at once.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.wire, Wire::Http2(_))
    }

    /// Whether a request may be written now: the peer has neither closed the connection nor sent anything unrequested.
    pub(super) fn is_usable(&self) -> bool {
        let seen = self.origin.socket.look();
        self.seen.set(seen);
        match (&self.wire, seen) {
            (_, Idle::Over) => false,
            (Wire::Http1(connection), seen) => {
                if seen == Idle::Bytes {
                    connection.read_unasked();
                }
                connection.is_ready()
            }
            (Wire::Http2(connection), _) => {
                connection.sender.is_ready() && !connection.sender.is_closed() && !connection.suspect.get()
            }
        }
    }

    /// Notes that nothing is under way on the connection from now on, unless another request is.
    pub(super) fn rest(&self, now: Offset) {
        self.rested.set((self.streams() == 0).then_some(now));
    }

    /// Whether unread bytes, perhaps a GOAWAY, were on the connection when it was last found usable.
    pub(super) fn is_restless(&self) -> bool {
        self.seen.get() == Idle::Bytes
    }

    /// Whether the connection can be used again after the exchange.
    pub(super) fn is_ready(&self) -> bool {
        match &self.wire {
            Wire::Http1(connection) => connection.is_ready(),
            Wire::Http2(connection) => !connection.suspect.get(),
        }
    }

    /// Whether the connection has no room for another stream.
    pub(super) fn is_full(&self) -> bool {
        self.streams() >= STREAMS
    }

    /// The number of HTTP/2 streams under way.
    pub(super) fn streams(&self) -> usize {
        match &self.wire {
            Wire::Http1(_) => 0,
            Wire::Http2(connection) => connection.streams.get(),
        }
    }

    /// Sends the request of a slot and reads the answer to its end.
    pub(super) async fn exchange(
        &self,
        request: &PreparedRequest,
        turn: Turn,
        trace: &Trace,
        now: Offset,
    ) -> Result<(), Failed> {
        let uses = self.uses.replace(self.uses.get().saturating_add(1));
        trace.stage.set(Stage::Waiting);
        trace.uses.set(uses);
        trace.age.set(if uses == 0 { Duration::ZERO } else { now.since(self.origin.born) });
        trace.idle.set(self.rested.take().map(|at| now.since(at)));
        trace.connection.set(if uses == 0 { Connection::New } else { Connection::Reused });
        trace.peer.set(self.origin.peer);
        trace.local_port.set(self.origin.local_port);
        if request.backend.is_some() {
            trace.backend(self.backend.borrow().clone());
        }
        let mut answer = Answer { connection: self, request, trace, matched: Vec::new(), grpc: Told::Nothing };
        match &self.wire {
            Wire::Http1(connection) => {
                let reader = ResponseReader::new(&request.method, request.closes);
                let sent = connection.exchange(&request.http1(turn), reader, &mut answer).await;
                sent.map_err(|broken| {
                    trace.no_close_notify.set(matches!(broken.why, Why::NoCloseNotify));
                    classify::http1(&broken)
                })?;
            }
            Wire::Http2(connection) => connection.exchange(turn, &mut answer).await?,
        }
        judge(&request.expect, &answer)
    }

    /// Sends one request over HTTP/1.1, and passes its answer on as it comes, to its end.
    pub(super) async fn stream(
        &self,
        request: &[u8],
        reader: ResponseReader<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), Broken> {
        match &self.wire {
            Wire::Http1(connection) => connection.exchange(request, reader, sink).await,
            // Its connector offers HTTP/1.1 alone.
            Wire::Http2(_) => Err(Broken { why: Why::Closed, begun: false }),
        }
    }

    /// Whether a probe on the connection failed.
    pub(super) fn is_suspect(&self) -> bool {
        matches!(&self.wire, Wire::Http2(connection) if connection.suspect.get())
    }

    /// Marks the connection as failed: no other probe may begin on it.
    pub(super) fn suspect(&self) {
        if let Wire::Http2(connection) = &self.wire {
            connection.suspect.set(true);
        }
    }
}

// === impl Http2 ===

impl Http2 {
    async fn exchange(&self, turn: Turn, answer: &mut Answer<'_>) -> Result<(), Failed> {
        let _stream = StreamGuard::count(&self.streams);
        let trace = answer.trace;
        let failed = |error| classify::http2(&error, &self.observed, self.answered.get(), trace);
        let response = self.sender.clone().send_request(answer.request.http2(turn)).await.map_err(failed)?;
        self.answered.set(true);
        let header = |name| response.headers().get(name);
        let backend = answer.request.backend.as_ref().and_then(|name| header(name).cloned());
        trace.version(answer.request.version.as_ref().and_then(|name| header(name).cloned()));
        let status = response.status().as_u16();
        answer.request.redirect.note(status, || header(&LOCATION).map(HeaderValue::as_bytes));
        answer.begin(status, header(&SERVER).map(HeaderValue::as_bytes), backend);
        answer.grpc.read(response.headers());
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await.transpose().map_err(failed)? {
            if let Some(data) = frame.data_ref() {
                answer.body(data);
            } else if let Some(trailers) = frame.trailers_ref() {
                answer.grpc.read(trailers);
            }
        }
        Ok(())
    }
}

// === impl Answer ===

impl Answer<'_> {
    fn begin(&self, status: u16, server: Option<&[u8]>, backend: Option<HeaderValue>) {
        self.trace.head(status, server);
        if self.request.backend.is_some() {
            self.connection.backend.replace(backend.clone());
            self.trace.backend(backend);
        }
    }

    /// Notes the version that an answer over HTTP/1.1 names.
    fn version(&self, fields: &[Header<'_>]) {
        let Some(name) = &self.request.version else { return };
        let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_str()));
        let version = field.and_then(|field| value(&self.connection.version, field.value));
        self.connection.version.replace(version.clone());
        self.trace.version(version);
    }
}

/// The header value with these bytes: the one that the connection knows, if it is the same again.
fn value(known: &RefCell<Option<HeaderValue>>, bytes: &[u8]) -> Option<HeaderValue> {
    let known = known.borrow();
    let known = known.as_ref().filter(|known| known.as_bytes() == bytes);
    known.cloned().or_else(|| HeaderValue::from_bytes(bytes).ok())
}

impl Sink for Answer<'_> {
    fn head(&mut self, status: u16, fields: &[Header<'_>]) {
        let header = |name: &str| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        let backend = self.request.backend.as_ref().and_then(|name| header(name.as_str()));
        let backend = backend.and_then(|field| value(&self.connection.backend, field.value));
        self.version(fields);
        self.request.redirect.note(status, || header("location").map(|field| field.value));
        self.begin(status, header("server").map(|field| field.value), backend);
    }

    fn body(&mut self, bytes: &[u8]) {
        self.trace.body(bytes);
        if self.request.expect.body.is_some() {
            let room = MATCHED.saturating_sub(self.matched.len()).min(bytes.len());
            self.matched.extend_from_slice(&bytes[..room]);
        }
    }
}

/// Counts a stream under way until it is dropped.
struct StreamGuard<'a>(&'a Cell<usize>);

impl<'a> StreamGuard<'a> {
    fn count(streams: &'a Cell<usize>) -> Self {
        streams.set(streams.get() + 1);
        Self(streams)
    }
}

impl Drop for StreamGuard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn judge(expect: &Expect, answer: &Answer<'_>) -> Result<(), Failed> {
    let Answer { trace, matched, grpc, .. } = answer;
    // Also where no call was asked for: a gateway that answers 200 with such a status has failed.
    grpc.failure()?;
    if let Some(call) = &expect.grpc {
        return grpc.judge(call, trace);
    }
    let status = trace.status.get().unwrap_or_default();
    if !expect.statuses.contains(status) {
        return Err(Failed::new(Class::Status(status), "a status that is not expected"));
    }
    match &expect.body {
        Some(regex) if !regex.is_match(matched) => {
            Err(Failed::new(Class::UnexpectedBody, format!("the body does not match {:?}", regex.as_str())))
        }
        _ => Ok(()),
    }
}

// === impl Local ===

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        let task = spawn_local(future).abort_handle();
        self.0.borrow_mut().get_or_insert(task);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = self.0.0.borrow_mut().take() {
            task.abort();
        }
    }
}
