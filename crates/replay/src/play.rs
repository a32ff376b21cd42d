//! What a server does to a request, by the class that the recorded run saw.

use bytes::Bytes;
use h2::Reason;
use hyper::StatusCode;
use hyper::header::HeaderValue;

use lapse_measure::answer::{Class, Unsent};

use crate::script::Scene;

/// The last error code of HTTP/2 (RFC 9113, section 7).
const LAST_REASON: u32 = 13;

/// What is done to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// A whole answer.
    Answer(Reply),
    /// The connection is reset.
    Reset,
    /// The connection is closed without an answer.
    Close,
    /// Nothing is answered until the client gives up.
    Silence,
    /// An answer that ends within its body, or its head.
    Cut(Reply, Cut),
    /// Bytes that are not HTTP, and the end of the connection.
    Garble,
    /// The stream is reset for this reason; over HTTP/1.1, which has none, the connection.
    ResetStream(Reason),
    /// The connection is told to go away, and processes nothing more; over HTTP/1.1 it is reset.
    RefuseFurther(Reason),
    /// A whole answer, after which the connection ends in good order: a GOAWAY, or `connection: close`.
    LastAnswer(Reply),
}

/// How an answer is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection ends within the head.
    WithinHead,
    /// The connection ends within the body.
    WithinBody,
    /// Nothing follows within the body, until the client gives up.
    Silent,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// The value of the header `Server`.
    pub(crate) server: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The answer of a service that is well; its own was not recorded.
    pub(crate) const fn fine() -> Self {
        Self { status: StatusCode::OK, server: None, body: Bytes::from_static(b"ok\n") }
    }

    /// What was recorded of an answer: its status, who gave it, and the first bytes of its body.
    fn recorded(scene: &Scene<'_>, status: u16) -> Self {
        let evidence = scene.failure.map(|failure| &failure.evidence);
        let server = evidence.and_then(|evidence| HeaderValue::try_from(evidence.server.as_deref()?).ok());
        let body = evidence.and_then(|evidence| evidence.body.clone()).unwrap_or_default();
        // A final answer has a status from 200 on.
        let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 200);
        Self { status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), server, body: body.into() }
    }
}

impl Play {
    /// What is done at this scene.
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let evidence = scene.failure.map(|failure| &failure.evidence);
        let status = evidence.and_then(|evidence| evidence.status);
        match scene.class {
            Class::NotSent(Unsent::GoAway) => Self::LastAnswer(Reply::fine()),
            Class::Ok | Class::Slow | Class::NotSent(_) => Self::Answer(Reply::fine()),
            Class::Status(status) => Self::Answer(Reply::recorded(scene, status)),
            // A replay speaks no gRPC: what its clients make of a failed call comes nearest to this.
            Class::Grpc(_) => Self::Answer(Reply::recorded(scene, StatusCode::SERVICE_UNAVAILABLE.as_u16())),
            Class::UnexpectedBody => Self::Answer(Reply::recorded(scene, status.unwrap_or(200))),
            // The request has a connection, and the run's probes got none: the nearest to that is to lose it.
            Class::Dns | Class::Refused | Class::Unreachable | Class::ConnectTimeout | Class::Reset => Self::Reset,
            Class::Closed | Class::Tls => Self::Close,
            Class::ResponseTimeout => Self::Silence,
            Class::Truncated => {
                let timed_out = scene.failure.is_some_and(|failure| failure.probe.timed_out);
                let cut = match status {
                    _ if timed_out => Cut::Silent,
                    Some(_) => Cut::WithinBody,
                    None => Cut::WithinHead,
                };
                Self::Cut(Reply::recorded(scene, status.unwrap_or(200)), cut)
            }
            Class::Malformed => Self::Garble,
            Class::StreamReset => Self::of_stream(evidence.map_or("", |evidence| &evidence.detail)),
        }
    }

    /// How a stream was reset, by the error that the probe kept of it: by a frame for the stream, or by a GOAWAY.
    fn of_stream(detail: &str) -> Self {
        let named = |code: &u32| detail.contains(Reason::from(*code).description());
        let reason = (0..=LAST_REASON).find(named).map_or(Reason::INTERNAL_ERROR, Reason::from);
        // The words of h2 for a GOAWAY that the other side sent.
        if detail.contains("connection error") { Self::RefuseFurther(reason) } else { Self::ResetStream(reason) }
    }

    /// Whether the client gives up at last, so that the recorded delay is its own.
    pub(crate) const fn waits_for_the_client(&self) -> bool {
        matches!(self, Self::Silence | Self::Cut(_, Cut::Silent))
    }
}
