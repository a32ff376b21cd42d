//! A server that keeps each request as it came, over HTTP/1.1 or HTTP/2, and answers what the test says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The path with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A running server, which ends with the test.
#[derive(Debug)]
pub(crate) struct Recorder {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Recorder {
    /// Starts a server that answers each request with the status and the body that `answer` gives.
    pub(crate) fn start(http2: bool, answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::default()));
        let (entered, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((tcp, _)) = listener.accept().await {
                    let (entered, answer) = (Arc::clone(&entered), Arc::clone(&answer));
                    let serve = service_fn(move |request| keep(request, Arc::clone(&entered), Arc::clone(&answer)));
                    tokio::spawn(async move {
                        let io = TokioIo::new(tcp);
                        // A client that closes the connection is none of the test's concern.
                        let _ = if http2 {
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                                .serve_connection(io, serve)
                                .await
                        } else {
                            hyper::server::conn::http1::Builder::new().serve_connection(io, serve).await
                        };
                    });
                }
            });
        });
        Self { address, seen }
    }

    /// A URL of the server with this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, in the order in which they were complete.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn keep(
    request: Request<Incoming>,
    entered: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> (u16, String)>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let seen = Seen {
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, text) = answer(&seen);
    entered.lock().unwrap().push(seen);
    Ok(Response::builder().status(status).body(Full::new(text.into())).unwrap())
}
