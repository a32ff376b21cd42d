//! One client connection to a pod's process, and the answers on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use tokio::net::TcpStream;

use super::{App, Phase, Reply};
use crate::POD_HEADER;
use crate::ledger::{Entry, InjectedFault};
use crate::serve_connection::{self, End, Order};

/// The state that the requests of one connection share.
struct Session {
    app: Arc<App>,
    client: SocketAddr,
    /// Requests read and not answered yet.
    open: AtomicU32,
}

/// Serves the connection until the client closes it or the process ends; a request cut by that goes into the ledger.
pub(super) async fn serve(app: Arc<App>, stream: TcpStream, client: SocketAddr) {
    let orders = app.phase.subscribe();
    let session = Arc::new(Session { app, client, open: AtomicU32::new(0) });
    let owned = Arc::clone(&session);
    let service = service_fn(move |request| Arc::clone(&owned).answer(request));
    if serve_connection::serve(stream, service, orders).await == End::Cut && session.open.load(Ordering::Relaxed) > 0 {
        session.enter(InjectedFault::Cut, "its process ended with the request unanswered");
    }
}

impl From<Phase> for Order {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Booting | Phase::Initialising | Phase::Serving => Self::GoOn,
            Phase::Draining => Self::EndSoon,
            Phase::Finishing => Self::EndWhenIdle,
            Phase::Dead => Self::Die,
        }
    }
}

impl Session {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let version = request.version();
        let mut response = self.respond(request).await;
        if self.app.phase() >= Phase::Draining && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        Ok(response)
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/-/live" => self.page(StatusCode::OK, "alive"),
            "/-/ready" if self.app.claims_ready() => self.page(StatusCode::OK, "ready"),
            "/-/ready" => self.page(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            _ => {
                self.app.log.visit();
                let mut body = request.into_body();
                while let Some(Ok(_)) = body.frame().await {}
                self.write(self.app.work().await)
            }
        }
    }

    fn write(&self, reply: Reply) -> Response<Full<Bytes>> {
        match reply {
            Reply::Fine => self.page(StatusCode::OK, "hello"),
            Reply::Failing(status, cause) => {
                self.enter(InjectedFault::Status(status.as_u16()), cause);
                self.page(status, cause)
            }
        }
    }

    fn page(&self, status: StatusCode, text: &str) -> Response<Full<Bytes>> {
        let name = &self.app.name;
        let mut response = Response::new(Full::from(format!("{text} from {name}\n")));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(SERVER, self.app.product.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if let Ok(name) = HeaderValue::from_str(name) {
            headers.insert(POD_HEADER, name);
        }
        response
    }

    fn enter(&self, what: InjectedFault, cause: &str) {
        let now = self.app.log.now();
        let (by, client) = (self.app.name.clone(), Some(self.client));
        self.app.log.enter(Entry { from: now, to: now, by, what, client, cause: cause.to_owned() });
    }
}
