//! Serves one connection of a client: does to each of its requests what the script says.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use lapse_measure::lane::Policy;
use lapse_record::error_chain::with_causes;

use crate::alarm;
use crate::answer::{self, ReplyBody};
use crate::control::START;
use crate::idle::Occupancy;
use crate::ledger::{Entry, Outcome};
use crate::play::{Cut, Play, Reply};
use crate::stage::{Stage, Turn};
use crate::stream::{End, SharedStream, Spoiled, Spoiler};

/// What is sent instead of a handshake that is to fail.
const NOT_TLS: &[u8] = b"this is not TLS\r\n";

/// A connection of a client, as its requests see it.
#[derive(Debug)]
struct Connection {
    stage: Arc<Stage>,
    /// Whether it has had a request.
    used: AtomicBool,
    ends: watch::Sender<Option<End>>,
    occupancy: Arc<Occupancy>,
    spoiler: Spoiler,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.occupancy.end();
    }
}

/// Serves `stream` to its end, with TLS if the replay has that.
pub(crate) async fn serve(stage: Arc<Stage>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut shared = SharedStream::new(stream);
    let Some(tls) = stage.tls.clone() else {
        return converse(stage, shared.clone(), shared).await;
    };
    if stage.spoils_handshake(stage.now()) {
        // A client that goes away is no error, here as below.
        let _ = shared.read(&mut [0; 1024]).await;
        let _ = shared.write_all(NOT_TLS).await;
        shared.end(End::Close);
        while shared.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    } else if let Ok(io) = tls.0.accept(shared.clone()).await {
        converse(stage, shared, io).await;
    }
}

/// Serves what clients say on `io`, which is `stream` or TLS on it.
async fn converse(stage: Arc<Stage>, stream: SharedStream, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let (ends, mut ended) = watch::channel(None);
    let occupancy = Occupancy::new(Arc::clone(&stage.idle), ends.clone());
    let spoiler = Spoiler::default();
    let connection = Arc::new(Connection { stage, used: AtomicBool::new(false), ends, occupancy, spoiler });
    let io = TokioIo::new(Spoiled { inner: io, spoiler: connection.spoiler.clone() });
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.respond(request).await }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut served = pin!(builder.serve_connection(io, service));
    loop {
        let end = tokio::select! {
            biased;
            Ok(()) = ended.changed() => *ended.borrow_and_update(),
            _ = &mut served => return,
        };
        match end {
            Some(End::Orderly) => served.as_mut().graceful_shutdown(),
            Some(end) => {
                // What a stream of HTTP/2 was given to send, the connection writes when it is polled.
                tokio::select! { biased; _ = &mut served => {}, () = std::future::ready(()) => {} }
                return stream.end(end);
            }
            None => {}
        }
    }
}

impl Connection {
    /// Does to a request what the script says. An error resets its stream.
    async fn respond(&self, request: Request<Incoming>) -> Result<Response<ReplyBody>, h2::Error> {
        let read = self.stage.now();
        if request.uri().path().starts_with("/-/") {
            return Ok(self.command(&request));
        }
        let policy = if self.used.swap(true, Ordering::Relaxed) { Policy::Reused } else { Policy::New };
        let key = self.stage.keys.of(&request);
        let turn = self.stage.turn(policy, read);
        let ticket = self.stage.enter(read, key, &turn);
        let mut entry = Entry::new(Arc::clone(&self.stage), ticket, self.occupancy.begin());
        if let Some(upstream) = self.stage.upstream.as_ref().filter(|_| turn.is_well) {
            alarm::sleep((read + turn.delay).since(self.stage.now())).await;
            if matches!(turn.play, Play::LastAnswer(_)) {
                self.ends.send_replace(Some(End::Orderly));
            }
            entry.pass();
            return Ok(match upstream.pass(request).await {
                Ok(response) => answer::passed(response, turn.position, entry),
                Err(error) => {
                    entry.settle(Outcome::UpstreamFailed);
                    answer::upstream_failed(&with_causes(&error), turn.position)
                }
            });
        }
        let (has_body, has_streams) = (request.method() != Method::HEAD, request.version() == Version::HTTP_2);
        // Unread bytes would turn the end of the connection into a reset.
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        alarm::sleep((read + turn.delay).since(self.stage.now())).await;
        if turn.is_well {
            entry.settle(Outcome::Succeeded);
        }
        self.play(turn, has_body, has_streams).await
    }

    /// Does to a request that was read what the script says.
    async fn play(&self, turn: Turn, has_body: bool, has_streams: bool) -> Result<Response<ReplyBody>, h2::Error> {
        let position = turn.position;
        let cut = |reply, end| answer::cut(reply, position, self.ends.clone(), end);
        Ok(match turn.play {
            Play::Answer(reply) => answer::whole(&reply, position),
            Play::LastAnswer(reply) => {
                self.ends.send_replace(Some(End::Orderly));
                answer::whole(&reply, position)
            }
            Play::ResetStream(reason) if has_streams => return Err(reason.into()),
            Play::RefuseFurther(reason) if has_streams => {
                self.spoiler.go_away(reason);
                cut(&Reply::fine(), Some(End::Close))
            }
            Play::Reset | Play::ResetStream(_) | Play::RefuseFurther(_) => self.end(End::Reset).await,
            Play::Close => self.end(End::Close).await,
            Play::Silence => pending().await,
            Play::Cut(reply, Cut::Silent) => cut(&reply, None),
            Play::Cut(reply, how) => {
                if how == Cut::WithinHead || !has_body {
                    self.spoiler.cut_head();
                }
                cut(&reply, Some(End::Close))
            }
            Play::Garble => {
                self.spoiler.garble();
                cut(&Reply::fine(), Some(End::Close))
            }
        })
    }

    /// Ends the connection; the task that serves it is gone before this returns.
    async fn end(&self, end: End) -> Response<ReplyBody> {
        self.ends.send_replace(Some(end));
        pending().await
    }

    /// Answers a request that is about the replay itself.
    fn command(&self, request: &Request<Incoming>) -> Response<ReplyBody> {
        let now = self.stage.now();
        let (status, text) = match (request.uri().path(), request.method()) {
            (START, &Method::POST) => {
                self.stage.start(now);
                (StatusCode::OK, "started\n")
            }
            (START, _) => (StatusCode::METHOD_NOT_ALLOWED, "POST starts the replay\n"),
            _ => (
                StatusCode::NOT_FOUND,
                "a replay has only /-/start here, and more at its control port; all other paths are played\n",
            ),
        };
        answer::text(status, text, self.stage.playback.position(now))
    }
}
