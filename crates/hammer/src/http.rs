//! One request on one connection.
//!
//! Uses hyper's connection API, which sends nothing twice. Over HTTP/1.1 the probe's own task drives the connection,
//! because a separate task would cost another wake-up. Over HTTP/2 streams share a task.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderValue;
use hyper::rt::Executor;
use hyper::{Response, Version};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, spawn_local};

use super::classify::{self, Sharing};
use super::request::PreparedRequest;
use super::stream::{Idle, IoObservations, Socket, Watched};
use super::target::Expect;
use super::trace::{Failed, Stage, Trace};
use lapse_measure::answer::{Class, Connection};
use lapse_measure::time::Offset;

/// The bytes of a body that are kept for `--expect-body`.
const MATCHED: usize = 1 << 20;
/// The read buffer of an answer; a longer head is malformed. Each probe under way may hold as much.
const BUFFER: usize = 64 << 10;
/// The bytes that may arrive before a head is complete, interim answers included.
const INTERIM: u64 = 2 * BUFFER as u64;
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
    speech: Wire,
    observed: Rc<IoObservations>,
    origin: Origin,
    uses: Cell<u32>,
    /// When its last answer was complete, or when it was opened ahead of its first request.
    rested: Cell<Option<Offset>>,
    /// Whether any request on it has been answered.
    answered: Cell<bool>,
    /// The state of its receive buffer when it was last checked.
    seen: Cell<Idle>,
    /// The backend that answered last, by the header that names it.
    backend: RefCell<Option<HeaderValue>>,
}

enum Wire {
    Http1 { sender: RefCell<http1::SendRequest<Full<Bytes>>>, driver: RefCell<Driver> },
    Http2 { sender: http2::SendRequest<Full<Bytes>>, streams: Cell<usize>, suspect: Cell<bool>, _task: Task },
}

type Http1 = http1::Connection<TokioIo<Watched>, Full<Bytes>>;

/// Drives an HTTP/1.1 connection until it ends.
#[derive(Debug)]
struct Driver(Option<Pin<Box<Http1>>>);

/// Spawns the tasks of an HTTP/2 connection, and keeps the handle of the first, which is the connection itself.
#[derive(Clone, Debug, Default)]
struct Local(Rc<RefCell<Option<AbortHandle>>>);

/// Ends an HTTP/2 connection when it is dropped.
#[derive(Debug)]
struct Task(Local);

// === impl HttpConnection ===

impl HttpConnection {
    fn new(speech: Wire, observed: Rc<IoObservations>, origin: Origin) -> Self {
        let (uses, rested, answered, backend) = Default::default();
        Self { speech, observed, origin, uses, rested, answered, seen: Cell::new(Idle::Quiet), backend }
    }

    /// Speaks HTTP/1.1 on `io`.
    pub(super) async fn h1(
        io: TokioIo<Watched>,
        observed: Rc<IoObservations>,
        origin: Origin,
        trace: &Trace,
    ) -> Result<Self, Failed> {
        let handshake = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(io)
            .await
            .map_err(|error| classify::exchange(&error, &observed, Sharing::Alone, trace));
        let (sender, driver) = handshake?;
        let driver = RefCell::new(Driver(Some(Box::pin(driver))));
        let speech = Wire::Http1 { sender: RefCell::new(sender), driver };
        Ok(Self::new(speech, observed, origin))
    }

    /// Speaks HTTP/2 on `io`.
    pub(super) async fn h2(
        io: TokioIo<Watched>,
        observed: Rc<IoObservations>,
        origin: Origin,
        trace: &Trace,
    ) -> Result<Self, Failed> {
        let local = Local::default();
        let handshake = http2::handshake(local.clone(), io).await;
        let (sender, connection) = handshake
            .map_err(|error| classify::exchange(&error, &observed, Sharing::Streams { answered: false }, trace))?;
        // How a connection ends is seen by each of its streams.
        local.execute(async move { drop(connection.await) });
        let speech = Wire::Http2 { sender, streams: Cell::new(0), suspect: Cell::new(false), _task: Task(local) };
        Ok(Self::new(speech, observed, origin))
    }

    /// Whether several probes may use the connection at once.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.speech, Wire::Http2 { .. })
    }

    /// Whether a request may be written now: the peer has neither closed the connection nor sent anything unrequested.
    pub(super) fn is_usable(&self) -> bool {
        let seen = self.origin.socket.look();
        self.seen.set(seen);
        match (&self.speech, seen) {
            (_, Idle::Over) => false,
            (Wire::Http1 { sender, driver }, seen) => {
                // Over TLS, bytes may be a session ticket: the connection itself knows. And one that has not been moved
                // yet does not know that it is ready.
                let alive = (seen == Idle::Quiet && sender.borrow().is_ready()) || driver.borrow_mut().poll_once();
                alive && sender.borrow().is_ready()
            }
            (Wire::Http2 { sender, suspect, .. }, _) => sender.is_ready() && !sender.is_closed() && !suspect.get(),
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
        match &self.speech {
            Wire::Http1 { sender, .. } => sender.borrow().is_ready(),
            Wire::Http2 { suspect, .. } => !suspect.get(),
        }
    }

    /// Whether the connection has no room for another stream.
    pub(super) fn is_full(&self) -> bool {
        matches!(&self.speech, Wire::Http2 { streams, .. } if streams.get() >= STREAMS)
    }

    /// The number of streams under way.
    pub(super) fn streams(&self) -> usize {
        match &self.speech {
            Wire::Http1 { .. } => 0,
            Wire::Http2 { streams, .. } => streams.get(),
        }
    }

    /// Sends the request and reads the answer to its end.
    pub(super) async fn exchange(&self, request: &PreparedRequest, trace: &Trace, now: Offset) -> Result<(), Failed> {
        let uses = self.uses.replace(self.uses.get().saturating_add(1));
        trace.stage.set(Stage::Waiting);
        trace.uses.set(uses);
        trace.age.set(if uses == 0 { Duration::ZERO } else { now.since(self.origin.born) });
        trace.idle.set(self.rested.take().map(|at| now.since(at)));
        trace.connection.set(if uses == 0 { Connection::New } else { Connection::Reused });
        trace.peer.set(self.origin.peer);
        trace.local_port.set(self.origin.local_port);
        if !self.is_shared() {
            if uses > 0 {
                self.observed.reset();
            }
            self.observed.await_head(INTERIM);
        }
        if request.backend.is_some() {
            trace.backend(self.backend.borrow().clone());
        }
        let _stream = self.begin_stream();
        let failed = |error: &hyper::Error| classify::exchange(error, &self.observed, self.sharing(), trace);
        let response = match &self.speech {
            Wire::Http1 { sender, driver } => {
                let sent = sender.borrow_mut().send_request(request.request(Version::HTTP_11));
                drive(driver, sent).await
            }
            Wire::Http2 { sender, .. } => sender.clone().send_request(request.request(Version::HTTP_2)).await,
        };
        let response = response.map_err(|error| failed(&error))?;
        self.observed.head_came();
        self.answered.set(true);
        trace.head(response.status().as_u16(), response.headers());
        if let Some(name) = &request.backend {
            let backend = response.headers().get(name).cloned();
            self.backend.replace(backend.clone());
            trace.backend(backend);
        }
        let matched = self.read(response, request, trace).await.map_err(|error| failed(&error))?;
        if let Wire::Http1 { driver, .. } = &self.speech {
            driver.borrow_mut().poll_once();
        }
        judge(&request.expect, trace, &matched)
    }

    /// Reads the body to its end and returns the part that is to be matched.
    async fn read(
        &self,
        response: Response<Incoming>,
        request: &PreparedRequest,
        trace: &Trace,
    ) -> hyper::Result<Vec<u8>> {
        let (mut body, mut matched) = (response.into_body(), Vec::new());
        loop {
            let frame = match &self.speech {
                Wire::Http1 { driver, .. } => drive(driver, body.frame()).await,
                Wire::Http2 { .. } => body.frame().await,
            };
            let Some(frame) = frame.transpose()? else { return Ok(matched) };
            let Some(data) = frame.data_ref() else { continue };
            trace.body(data);
            if request.expect.body.is_some() {
                let room = MATCHED.saturating_sub(matched.len()).min(data.len());
                matched.extend_from_slice(&data[..room]);
            }
        }
    }

    fn sharing(&self) -> Sharing {
        if self.is_shared() { Sharing::Streams { answered: self.answered.get() } } else { Sharing::Alone }
    }

    fn begin_stream(&self) -> Option<StreamGuard<'_>> {
        match &self.speech {
            Wire::Http1 { .. } => None,
            Wire::Http2 { streams, .. } => {
                streams.set(streams.get() + 1);
                Some(StreamGuard(streams))
            }
        }
    }

    /// Whether a probe on the connection failed.
    pub(super) fn is_suspect(&self) -> bool {
        matches!(&self.speech, Wire::Http2 { suspect, .. } if suspect.get())
    }

    /// Marks the connection as failed: no other probe may begin on it.
    pub(super) fn suspect(&self) {
        if let Wire::Http2 { suspect, .. } = &self.speech {
            suspect.set(true);
        }
    }
}

struct StreamGuard<'a>(&'a Cell<usize>);

impl Drop for StreamGuard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn judge(expect: &Expect, trace: &Trace, matched: &[u8]) -> Result<(), Failed> {
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

// === impl Driver ===

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(cx).is_ready()
        {
            // The exchange reports how the connection ended, and the stream has noted it.
            self.0 = None;
        }
    }

    /// Drives the connection as far as it goes without waiting. False once it has ended.
    fn poll_once(&mut self) -> bool {
        self.poll(&mut Context::from_waker(std::task::Waker::noop()));
        self.0.is_some()
    }
}

/// Waits for a future of a connection while driving the connection.
async fn drive<T>(driver: &RefCell<Driver>, waited_for: impl Future<Output = T>) -> T {
    let mut waited_for = pin!(waited_for);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(value) = waited_for.as_mut().poll(cx) {
            return Poll::Ready(value);
        }
        driver.borrow_mut().poll(cx);
        waited_for.as_mut().poll(cx)
    })
    .await
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

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http1 { .. } => "HTTP/1.1",
            Self::Http2 { .. } => "HTTP/2",
        })
    }
}
