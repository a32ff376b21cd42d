//! A layer 7 proxy, the common part of ingress and load balancer: sends each request to one of several upstreams over a
//! kept connection, and answers with an error page if that fails.

mod front;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;

use self::upstream::{Pool, UpstreamError};
use super::endpoints::List;
use super::ledger::{Entry, InjectedFault};
use super::world_log::WorldLog;
use lapse_measure::time::Offset;

pub(super) use self::front::Front;

/// A response body: an error page of the proxy, or the upstream's body.
type PassedOn = Either<Full<Bytes>, Incoming>;

/// The settings of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProxyConfig {
    /// The proxy's name in events and in the ledger.
    pub(super) name: &'static str,
    /// The `Server` header of the proxy's error pages.
    pub(super) server: &'static str,
    /// The number of upstreams tried for one request.
    pub(super) tries: usize,
    /// The timeout for a connection to an upstream.
    pub(super) connect_timeout: Duration,
    /// The timeout for the head of an upstream's answer.
    pub(super) answer_timeout: Duration,
}

/// The upstreams of a proxy.
#[derive(Clone, Debug)]
pub(super) enum Upstream {
    /// The pods of a list that may be stale.
    Pods(watch::Receiver<List>),
    /// Another hop.
    Hop(SocketAddr),
}

/// A proxy without its port.
#[derive(Debug)]
pub(super) struct Proxy {
    config: ProxyConfig,
    behind: Upstream,
    pool: Pool,
    turn: AtomicUsize,
    log: Arc<WorldLog>,
}

impl Upstream {
    fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Pods(list) => list.borrow().iter().map(|pod| pod.address()).collect(),
            Self::Hop(address) => vec![*address],
        }
    }
}

impl Proxy {
    pub(super) fn new(config: ProxyConfig, behind: Upstream, log: Arc<WorldLog>) -> Self {
        let pool = Pool::new(config.connect_timeout, config.answer_timeout);
        Self { config, behind, pool, turn: AtomicUsize::new(0), log }
    }

    /// Forwards a request of `client`, with retries.
    async fn pass_on(&self, request: Request<Bytes>, client: SocketAddr) -> Response<PassedOn> {
        let from = self.log.now();
        let (mut tried, mut trouble) = (Vec::new(), None);
        while let Some(upstream) = self.pick(&tried) {
            tried.push(upstream);
            match self.pool.ask(upstream, request.clone()).await {
                Ok(response) => {
                    if let Some(trouble) = trouble {
                        self.enter(from, InjectedFault::Held, client, format!("it had to ask again: {trouble}"));
                    }
                    return response.map(Either::Right);
                }
                Err(what) => {
                    let last = !what.may_retry(request.method());
                    trouble = Some(what);
                    if last {
                        break;
                    }
                }
            }
        }
        self.give_up(from, trouble, client)
    }

    /// The next upstream in round robin that was not tried yet.
    fn pick(&self, tried: &[SocketAddr]) -> Option<SocketAddr> {
        if tried.len() >= self.config.tries {
            return None;
        }
        let mut upstreams = self.behind.addresses();
        upstreams.retain(|upstream| !tried.contains(upstream));
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(upstreams.len())?;
        Some(upstreams[turn])
    }

    fn give_up(&self, from: Offset, trouble: Option<UpstreamError>, client: SocketAddr) -> Response<PassedOn> {
        let (status, cause) = match trouble {
            Some(trouble) => (trouble.status(), trouble.to_string()),
            None => (StatusCode::SERVICE_UNAVAILABLE, "it knows of no upstream".to_owned()),
        };
        self.enter(from, InjectedFault::Status(status.as_u16()), client, cause);
        self.page(status)
    }

    fn enter(&self, from: Offset, what: InjectedFault, client: SocketAddr, cause: String) {
        let (to, by) = (self.log.now(), self.config.name.to_owned());
        self.log.enter(Entry { from, to, by, what, client: Some(client), cause });
    }

    /// An error page in nginx's format.
    fn page(&self, status: StatusCode) -> Response<PassedOn> {
        let title = format!("{} {}", status.as_u16(), reason(status));
        let html = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        );
        let mut response = Response::new(Either::Left(Full::from(html)));
        *response.status_mut() = status;
        response.headers_mut().insert(SERVER, HeaderValue::from_static(self.config.server));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        response
    }
}

/// The reason phrase as nginx writes it; it has its own for 503 and 504.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => "Service Temporarily Unavailable",
        StatusCode::GATEWAY_TIMEOUT => "Gateway Time-out",
        _ => status.canonical_reason().unwrap_or_default(),
    }
}
