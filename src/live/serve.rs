//! The HTTP server of the live page: the page, the next page, and the worker that keeps the last one.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::page::{Page, Pages};
use crate::http_server::{self, Answer, HTML, TEXT, accept, is_ours};
use lapse_report::html::WORKER;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The header with the page's version, by which the script asks for the next one.
const VERSION: HeaderName = HeaderName::from_static("x-version");

/// Headers that forbid other pages to embed this one or to guess its type.
const GUARDS: [(HeaderName, &str); 4] = [
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-frame-options"), "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("referrer-policy"), "no-referrer"),
];

/// The most connections at once; further ones wait.
const MOST_CONNECTIONS: usize = 256;

/// Serves connections; never returns.
pub(super) async fn serve(listener: TcpListener, pages: Pages) {
    accept(&listener, MOST_CONNECTIONS, |stream| converse(stream, pages.clone())).await;
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

async fn answer<B>(request: &Request<B>, pages: &Pages, said_farewell: &AtomicBool) -> Answer {
    if !is_ours(request.headers()) {
        let why = "this page is served under an address or as localhost, not under other names\n";
        return respond(StatusCode::MISDIRECTED_REQUEST, TEXT, why);
    }
    if request.method() != Method::GET {
        return respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n");
    }
    let path = request.uri().path();
    let (mut answer, is_final) =
        answer_from(pages, path.strip_prefix('/').unwrap_or(path), request.uri().query()).await;
    if is_final && path == "/" {
        said_farewell.store(true, Ordering::Relaxed);
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The answer for a path below that of the page, and whether it has the final page.
pub(super) async fn answer_from(pages: &Pages, path: &str, query: Option<&str>) -> (Answer, bool) {
    let page = match path {
        "" => pages.after(0).await,
        "next" => pages.after(version(query)).await,
        "worker.js" => return (respond(StatusCode::OK, SCRIPT, WORKER), false),
        _ => return (respond(StatusCode::NOT_FOUND, TEXT, "there is only one page here: /\n"), false),
    };
    let is_final = page.is_final;
    (page_answer(page), is_final)
}

/// The answer with a page and its version.
pub(super) fn page_answer(page: Page) -> Answer {
    let mut response = respond(StatusCode::OK, HTML, page.html);
    response.headers_mut().insert(VERSION, page.version.into());
    response
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = http_server::respond(status, kind, body);
    for (name, value) in GUARDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The version in the query `after=3`; 0 if there is none.
fn version(query: Option<&str>) -> u64 {
    query.and_then(|query| query.strip_prefix("after=")).and_then(|version| version.parse().ok()).unwrap_or(0)
}
