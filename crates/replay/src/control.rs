//! The control port of a replay, which is open whatever the run does to the port of the clients.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};

use crate::alarm;
use crate::format::json::Ledger;
use crate::stage::Stage;
use crate::state::State;

/// The path that starts a replay.
pub(crate) const START: &str = "/-/start";
/// The path that puts it back to before its start.
const RESET: &str = "/-/reset";
/// The path that ends it.
const END: &str = "/-/end";
/// The path of its state.
const STATE: &str = "/-/state";
/// The path of what clients did.
const LEDGER: &str = "/-/ledger";
/// The pause when no connection can be accepted.
const PAUSE: Duration = Duration::from_millis(5);
/// What there is, for requests of anything else.
const PATHS: &str = "a control port has POST /-/start, /-/reset and /-/end, and GET /-/state and /-/ledger\n";

/// The control port, open.
#[derive(Debug)]
pub(crate) struct Control {
    listener: TcpListener,
    address: SocketAddr,
}

impl Control {
    /// Opens the port. Fails where the system refuses the address.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener: TcpListener::from_std(listener)?, address })
    }

    /// The address, with the port that was picked if port 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts and serves connections; never returns.
    pub(crate) async fn serve(&self, stage: &Arc<Stage>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(converse(Arc::clone(stage), stream))),
                // No descriptor is free, or the client has gone: try again.
                Err(_) => alarm::sleep(PAUSE).await,
            }
        }
    }
}

async fn converse(stage: Arc<Stage>, stream: TcpStream) {
    let asked_to_end = AtomicBool::new(false);
    let service = service_fn(async |request| {
        let mut response = answer(&stage, &request);
        if request.uri().path() == END && response.status() == StatusCode::OK {
            asked_to_end.store(true, Ordering::Relaxed);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Infallible>(response)
    });
    // A client that goes away is no error.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // Only now has the answer been sent.
    if asked_to_end.into_inner() {
        stage.end.notify_one();
    }
}

/// Does what a request asks for. Its body, if it has one, is not read.
fn answer<B>(stage: &Stage, request: &Request<B>) -> Response<Full<Bytes>> {
    let (method, path) = (request.method(), request.uri().path());
    let allowed = match path {
        START | RESET | END => Method::POST,
        STATE | LEDGER => Method::GET,
        _ => return respond(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", PATHS.into()),
    };
    if *method != allowed {
        let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", PATHS.into());
        let allowed = HeaderValue::from_str(allowed.as_str()).unwrap_or(HeaderValue::from_static("GET"));
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    match path {
        START => stage.start(stage.now()),
        RESET => stage.reset(),
        LEDGER => return json(&Ledger::of(&stage.report())),
        _ => {}
    }
    json(&State::of(stage))
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec_pretty(value) {
        Ok(mut text) => {
            text.push(b'\n');
            respond(StatusCode::OK, "application/json", text.into())
        }
        Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", error.to_string().into()),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
