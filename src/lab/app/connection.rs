//! One connection to a pod's process: HTTP/1.1 or HTTP/2, whichever the client speaks first.
//!
//! When the process dies its connections are dropped as the kernel drops those of a real one: a client
//! sees an end of file, or a reset where bytes were still unread.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{App, Phase, Reply};
use crate::lab::ledger::{Entry, Inflicted};

/// How long a draining process leaves a client the chance to ask once more and be told to go.
const HTTP1_PATIENCE: Duration = Duration::from_secs(1);
/// How a client that speaks HTTP/2 begins.
const PREFACE: &[u8; 3] = b"PRI";

/// What requests on one connection share.
struct Session {
    app: Arc<App>,
    client: SocketAddr,
    /// Requests that have been read and not been answered.
    open: AtomicU32,
}

/// A connection that can be asked to end.
trait Ending: Future<Output = hyper::Result<()>> {
    /// How long it may stay idle while the process drains.
    const PATIENCE: Duration;

    /// Ends it as soon as what was begun is finished.
    fn wind_up(self: Pin<&mut Self>);
}

/// Serves until the client goes or the process ends.
pub(super) async fn serve(app: Arc<App>, stream: TcpStream, client: SocketAddr) {
    let mut phase = app.phase.subscribe();
    let session = Arc::new(Session { app, client, open: AtomicU32::new(0) });
    let _ = stream.set_nodelay(true);
    let http2 = tokio::select! {
        speaks = speaks_http2(&stream) => speaks,
        _ = phase.wait_for(|at| *at == Phase::Dead) => return,
    };
    let io = TokioIo::new(stream);
    let owned = Arc::clone(&session);
    let service = service_fn(move |request| Arc::clone(&owned).answer(request));
    if http2 {
        session.drive(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service), phase).await;
    } else {
        session.drive(http1::Builder::new().serve_connection(io, service), phase).await;
    }
}

async fn speaks_http2(stream: &TcpStream) -> bool {
    let mut start = [0; PREFACE.len()];
    matches!(stream.peek(&mut start).await, Ok(seen) if start[..seen] == PREFACE[..seen] && seen > 0)
}

impl Session {
    async fn drive<E: Ending>(&self, connection: E, mut phase: watch::Receiver<Phase>) {
        let mut connection = pin!(connection);
        let mut life = phase.clone();
        let dead = async { life.wait_for(|at| *at == Phase::Dead).await.map(|_| ()) };
        let mut dead = pin!(dead);
        tokio::select! {
            biased;
            _ = &mut dead => return self.cut(),
            _ = &mut connection => return,
            () = told_to_end(&mut phase, E::PATIENCE) => {}
        }
        connection.as_mut().wind_up();
        tokio::select! {
            biased;
            _ = &mut dead => self.cut(),
            _ = &mut connection => {}
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let response = self.respond(request).await;
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(response)
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let version = request.version();
        let reply = match request.uri().path() {
            "/-/ready" if self.app.claims_ready() => Reply::Fine,
            "/-/ready" => return page(&self.app.name, StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            "/-/live" => Reply::Fine,
            _ => {
                let mut body = request.into_body();
                while let Some(Ok(_)) = body.frame().await {}
                self.app.work().await
            }
        };
        let mut response = self.write(reply);
        if self.app.phase() >= Phase::Draining && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn write(&self, reply: Reply) -> Response<Full<Bytes>> {
        let Reply::Failing(code, cause) = reply else { return page(&self.app.name, StatusCode::OK, "hello") };
        self.enter(Inflicted::Status(code), cause);
        page(&self.app.name, StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), cause)
    }

    /// The process is dead: what was open on the connection is lost.
    fn cut(&self) {
        if self.open.load(Ordering::Relaxed) > 0 {
            self.enter(Inflicted::Cut, "its process ended with the request unanswered");
        }
    }

    fn enter(&self, what: Inflicted, cause: &str) {
        let now = self.app.chronicle.now();
        let (by, client) = (self.app.name.clone(), Some(self.client));
        self.app.chronicle.enter(Entry { from: now, to: now, by, what, client, cause: cause.to_owned() });
    }
}

/// Waits until the process wants its connections to end, and for idle clients a while longer.
async fn told_to_end(phase: &mut watch::Receiver<Phase>, patience: Duration) {
    let _ = phase.wait_for(|at| *at >= Phase::Draining).await;
    let finishing = phase.wait_for(|at| *at >= Phase::Finishing);
    let _ = tokio::time::timeout(patience, finishing).await;
}

fn page(name: &str, status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{text} from {name}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("pod"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if let Ok(name) = HeaderValue::from_str(name) {
        headers.insert("x-pod", name);
    }
    response
}

type Io = TokioIo<TcpStream>;

impl<S> Ending for http1::Connection<Io, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = Full<Bytes>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const PATIENCE: Duration = HTTP1_PATIENCE;

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// GOAWAY tells the client at once, and says which of its requests will still be answered.
impl<S> Ending for http2::Connection<Io, S, TokioExecutor>
where
    S: hyper::service::HttpService<Incoming, ResBody = Full<Bytes>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const PATIENCE: Duration = Duration::ZERO;

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
