//! The upstream side of a proxy: kept connections with one request at a time on each.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

type Sender = SendRequest<Full<Bytes>>;

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    /// The connection failed.
    #[error("{0} cannot be connected: {1}")]
    Unreachable(SocketAddr, #[source] io::Error),
    /// The connection timed out.
    #[error("{0} does not answer to connections")]
    ConnectTimeout(SocketAddr),
    /// A kept connection was closed before the request was sent.
    #[error("{0} closed a kept connection")]
    Unsent(SocketAddr),
    /// The connection ended before the head of an answer.
    #[error("{0} ended before it had answered: {1}")]
    Ended(SocketAddr, #[source] hyper::Error),
    /// No answer came in time.
    #[error("{0} does not answer")]
    AnswerTimeout(SocketAddr),
}

impl UpstreamError {
    /// The status of the proxy's error page.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable(..) | Self::Unsent(_) | Self::Ended(..) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout(_) | Self::AnswerTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Whether another upstream may be tried: a request that may have been processed is repeated only if it is
    /// idempotent.
    pub(super) fn may_retry(&self, method: &Method) -> bool {
        match self {
            Self::Unreachable(..) | Self::ConnectTimeout(_) | Self::Unsent(_) => true,
            Self::Ended(..) | Self::AnswerTimeout(_) => method.is_idempotent(),
        }
    }
}

/// Connections to upstreams, kept by address.
#[derive(Debug)]
pub(super) struct Pool {
    connect_timeout: Duration,
    answer_timeout: Duration,
    idle: Arc<Mutex<HashMap<SocketAddr, Vec<Sender>>>>,
}

impl Pool {
    pub(super) fn new(connect_timeout: Duration, answer_timeout: Duration) -> Self {
        Self { connect_timeout, answer_timeout, idle: Arc::default() }
    }

    /// Sends `request` to `upstream` once, over a kept connection if there is one.
    pub(super) async fn ask(
        &self,
        upstream: SocketAddr,
        request: Request<Bytes>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut sender = match self.kept(upstream) {
            Some(sender) => sender,
            None => self.connect(upstream).await?,
        };
        let answer = timeout(self.answer_timeout, sender.send_request(request.map(Full::new))).await;
        let response = answer.map_err(|_| UpstreamError::AnswerTimeout(upstream))?.map_err(|error| {
            if error.is_canceled() { UpstreamError::Unsent(upstream) } else { UpstreamError::Ended(upstream, error) }
        })?;
        self.keep(upstream, sender);
        Ok(response)
    }

    fn kept(&self, upstream: SocketAddr) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(&upstream)?;
        std::iter::from_fn(|| senders.pop()).find(Sender::is_ready)
    }

    /// Returns the connection to the pool once its answer has been read.
    fn keep(&self, upstream: SocketAddr, mut sender: Sender) {
        let idle = Arc::clone(&self.idle);
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).entry(upstream).or_default().push(sender);
            }
        });
    }

    async fn connect(&self, upstream: SocketAddr) -> Result<Sender, UpstreamError> {
        let stream = timeout(self.connect_timeout, TcpStream::connect(upstream)).await;
        let stream = stream.map_err(|_| UpstreamError::ConnectTimeout(upstream))?;
        let stream = stream.map_err(|error| UpstreamError::Unreachable(upstream, error))?;
        let _ = stream.set_nodelay(true);
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| UpstreamError::Ended(upstream, error))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
