//! The HTTP server that Prometheus scrapes: one page, `/metrics`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::source::Source;
use crate::http_server::{Answer, TEXT, accept, is_ours, respond};
use lapse_report::metrics::Metrics;

/// The most connections at once; further ones wait.
const MOST_CONNECTIONS: usize = 32;
/// The time within which a request has to come, so that idle connections keep no place for ever.
const PATIENCE: Duration = Duration::from_secs(70);

/// The scrapes of a run. All copies share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrapes {
    /// Of this run, or of one before it.
    any: Arc<AtomicBool>,
    /// Notified when the final values have been sent.
    final_values: Arc<Notify>,
}

impl Scrapes {
    /// Those of a run after this one: what scrapes the one will scrape the other.
    pub(super) fn of_next_run(&self) -> Self {
        Self { any: Arc::clone(&self.any), final_values: Arc::default() }
    }

    /// Whether there were any.
    pub(super) fn were_any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Completes once the final values have been scraped.
    pub(super) async fn of_final_values(&self) {
        self.final_values.notified().await;
    }
}

/// Serves scrapes at `address`; never returns.
pub(super) async fn serve(listener: std::net::TcpListener, address: SocketAddr, source: Source, seen: Scrapes) {
    // Without a listener there are no scrapes, but the run goes on.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let only_ours = address.ip().is_loopback();
    let converse = |stream| {
        let (source, seen) = (source.clone(), seen.clone());
        async move { converse(stream, &source, &seen, only_ours).await }
    };
    accept(&listener, MOST_CONNECTIONS, converse).await;
}

async fn converse(stream: TcpStream, source: &Source, seen: &Scrapes, only_ours: bool) {
    let has_final_values = AtomicBool::new(false);
    let service = service_fn(async |request| {
        let (response, is_final) = answer(&request, source, seen, only_ours);
        has_final_values.fetch_or(is_final, Ordering::Relaxed);
        Ok::<_, Infallible>(response)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A client that disconnects is no error.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    // Only now have all of the values been sent.
    if has_final_values.into_inner() {
        seen.final_values.notify_one();
    }
}

/// The answer to a request, and whether it has the final values.
fn answer<B>(request: &Request<B>, source: &Source, seen: &Scrapes, only_ours: bool) -> (Answer, bool) {
    if only_ours && !is_ours(request.headers()) {
        let why = "metrics are served under an address or as localhost, not under other names\n";
        return (respond(StatusCode::MISDIRECTED_REQUEST, TEXT, why), false);
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return (respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n"), false);
    }
    if request.uri().path() != "/metrics" {
        return (respond(StatusCode::NOT_FOUND, TEXT, "there is only one page here: /metrics\n"), false);
    }
    let (metrics, is_final) = source.newest();
    seen.any.store(true, Ordering::Relaxed);
    let text = metrics.map(|metrics| metrics.prometheus()).unwrap_or_default();
    let mut response = respond(StatusCode::OK, Metrics::PROMETHEUS, text);
    if is_final {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    (response, is_final && request.method() == Method::GET)
}
