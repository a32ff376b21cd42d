//! Serves one connection of a client: does to each of its requests what the script says.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use lapse_measure::lane::Policy;

use crate::alarm;
use crate::answer::{self, ReplyBody};
use crate::play::{Cut, Play};
use crate::stage::{Stage, Turn};
use crate::stream::{End, SharedStream, Spoiled, Spoiler};

/// The path that starts a replay.
const START: &str = "/-/start";

/// A connection of a client, as its requests see it.
#[derive(Debug)]
struct Connection {
    stage: Arc<Stage>,
    /// Whether it has had a request.
    used: AtomicBool,
    ends: watch::Sender<Option<End>>,
    spoiler: Spoiler,
}

/// Serves `stream` to its end.
pub(crate) async fn serve(stage: Arc<Stage>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let stream = SharedStream::new(stream);
    let (ends, mut ended) = watch::channel(None);
    let connection = Arc::new(Connection { stage, used: AtomicBool::new(false), ends, spoiler: Spoiler::default() });
    let io = TokioIo::new(Spoiled { inner: stream.clone(), spoiler: connection.spoiler.clone() });
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(connection.respond(request).await) }
    });
    let mut served = pin!(http1::Builder::new().serve_connection(io, service));
    tokio::select! {
        biased;
        Ok(end) = ended.wait_for(Option::is_some) => if let Some(end) = *end {
            stream.end(end);
        },
        // A client that goes away is no error.
        _ = &mut served => {}
    }
}

impl Connection {
    async fn respond(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let read = self.stage.now();
        if request.uri().path().starts_with("/-/") {
            return self.command(&request);
        }
        let policy = if self.used.swap(true, Ordering::Relaxed) { Policy::Reused } else { Policy::New };
        let Turn { position, play, delay } = self.stage.turn(policy, read);
        let has_body = request.method() != Method::HEAD;
        // Unread bytes would turn the end of the connection into a reset.
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        alarm::sleep((read + delay).since(self.stage.now())).await;
        match play {
            Play::Answer(reply) => answer::whole(&reply, position),
            Play::Reset | Play::ResetStream => self.end(End::Reset).await,
            Play::Close => self.end(End::Close).await,
            Play::Silence => pending().await,
            Play::Cut(reply, Cut::Silent) => answer::cut(&reply, position, self.ends.clone(), None),
            Play::Cut(reply, cut) => {
                if cut == Cut::WithinHead || !has_body {
                    self.spoiler.cut_head();
                }
                answer::cut(&reply, position, self.ends.clone(), Some(End::Close))
            }
            Play::Garble => {
                self.spoiler.garble();
                answer::cut(&crate::play::Reply::fine(), position, self.ends.clone(), Some(End::Close))
            }
        }
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
            _ => (StatusCode::NOT_FOUND, "a replay has only /-/start here; all other paths are played\n"),
        };
        answer::text(status, text, self.stage.playback.position(now))
    }
}
