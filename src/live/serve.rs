//! The HTTP server of the live page: the page, the next page, and the worker that keeps the last one.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::page::Pages;
use lapse_report::html::WORKER;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The header with the page's version, by which the script asks for the next one.
const VERSION: HeaderName = HeaderName::from_static("x-version");

/// Headers that forbid other pages to embed this one or to guess its type.
const GUARDS: [(HeaderName, &str); 4] = [
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
];

/// The pause when no connection can be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections; never returns.
pub(super) async fn serve(listener: TcpListener, pages: Pages) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, pages.clone()))),
            // No descriptor is left: probes come first.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, pages: Pages) {
    let said_farewell = AtomicBool::new(false);
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, &pages, &said_farewell).await));
    // A browser that disconnects is no error.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // Only now has the whole page been sent.
    if said_farewell.into_inner() {
        pages.was_fetched();
    }
}

async fn answer<B>(request: &Request<B>, pages: &Pages, said_farewell: &AtomicBool) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_ours) {
        let why = "this page is served under an address or as localhost, not under other names\n";
        return respond(StatusCode::MISDIRECTED_REQUEST, TEXT, why.into());
    }
    if request.method() != Method::GET {
        return respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into());
    }
    match request.uri().path() {
        "/" => {
            let page = pages.after(0).await;
            let mut response = respond(StatusCode::OK, HTML, page.html);
            if page.is_final {
                said_farewell.store(true, Ordering::Relaxed);
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
        "/next" => {
            let page = pages.after(version(request.uri().query())).await;
            let mut response = respond(StatusCode::OK, HTML, page.html);
            response.headers_mut().insert(VERSION, page.version.into());
            response
        }
        "/worker.js" => respond(StatusCode::OK, SCRIPT, WORKER.into()),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there is only one page here: /\n".into()),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The version in the query `after=3`; 0 if there is none.
fn version(query: Option<&str>) -> u64 {
    query.and_then(|query| query.strip_prefix("after=")).and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// Whether a request for `host` may be answered. Another site's owner can point a name here, and their page could then
/// read this one; an IP address cannot be misused like that.
pub(crate) fn is_ours(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_other_than_localhost_is_refused() {
        for ours in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "10.0.0.7"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "", "[evil]:80"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
