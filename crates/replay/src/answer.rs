//! The answers that a replay gives, and bodies that end early.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use crate::ledger::{Entry, Outcome};
use crate::play::Reply;
use crate::playback::Position;
use crate::stream::End;

/// The header with the offset of the recorded run that an answer was played from, in milliseconds; `before` and `after`
/// a replay.
const OFFSET: HeaderName = HeaderName::from_static("lapse-replay-offset");
/// The header that says whether the upstream answered, or why not.
const UPSTREAM: HeaderName = HeaderName::from_static("lapse-replay-upstream");
/// How many bytes a body that is cut lacks.
const LACKING: u64 = 100;

/// A body.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// Bytes, all of them.
    Whole(Option<Bytes>),
    /// Bytes after which nothing follows: how the connection ends then, or `None` if it only falls silent.
    Cut(Option<Bytes>, watch::Sender<Option<End>>, Option<End>),
    /// What an upstream sends: the entry of its request, and what becomes of that once the body has come to its end.
    Passed(Incoming, Entry, Outcome),
}

/// A whole answer.
pub(crate) fn whole(reply: &Reply, position: Position) -> Response<ReplyBody> {
    respond(reply, position, ReplyBody::Whole(Some(reply.body.clone())))
}

/// An answer whose body is cut after the bytes of `reply`: the connection ends as `end` says, or falls silent.
pub(crate) fn cut(
    reply: &Reply,
    position: Position,
    ends: watch::Sender<Option<End>>,
    end: Option<End>,
) -> Response<ReplyBody> {
    let body = if reply.body.is_empty() { Bytes::from_static(b"not a hundred bytes\n") } else { reply.body.clone() };
    respond(reply, position, ReplyBody::Cut(Some(body), ends, end))
}

/// The answer of an upstream.
pub(crate) fn passed(response: Response<Incoming>, position: Position, mut entry: Entry) -> Response<ReplyBody> {
    let failed = response.status().is_server_error();
    let outcome = if failed { Outcome::UpstreamFailed } else { Outcome::Succeeded };
    if response.body().is_end_stream() {
        entry.settle(outcome);
    }
    let mut response = response.map(|body| ReplyBody::Passed(body, entry, outcome));
    response.headers_mut().insert(OFFSET, offset(position));
    response.headers_mut().insert(UPSTREAM, HeaderValue::from_static("answered"));
    response
}

/// The answer where the upstream gave none, with the reason.
pub(crate) fn upstream_failed(reason: &str, position: Position) -> Response<ReplyBody> {
    let body = format!("the upstream of this replay failed, the recorded run did not: {reason}\n");
    let reply = Reply { status: StatusCode::BAD_GATEWAY, server: None, body: body.into() };
    let mut response = whole(&reply, position);
    let reason = HeaderValue::try_from(format!("failed: {reason}"));
    response.headers_mut().insert(UPSTREAM, reason.unwrap_or(HeaderValue::from_static("failed")));
    response
}

/// A text about the replay itself.
pub(crate) fn text(status: StatusCode, text: &'static str, position: Position) -> Response<ReplyBody> {
    let reply = Reply { status, server: None, body: Bytes::from_static(text.as_bytes()) };
    whole(&reply, position)
}

fn respond(reply: &Reply, position: Position, body: ReplyBody) -> Response<ReplyBody> {
    let html = reply.body.trim_ascii_start().starts_with(b"<");
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let kind = HeaderValue::from_static(if html { "text/html" } else { "text/plain; charset=utf-8" });
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Some(server) = &reply.server {
        response.headers_mut().insert(SERVER, server.clone());
    }
    response.headers_mut().insert(OFFSET, offset(position));
    response
}

fn offset(position: Position) -> HeaderValue {
    match position {
        Position::Waiting => HeaderValue::from_static("before"),
        Position::Over => HeaderValue::from_static("after"),
        Position::At(at) => {
            let micros = at.as_nanos() / 1_000;
            let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Passed(incoming, entry, outcome) => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                if matches!(frame, Some(Err(_))) {
                    entry.settle(Outcome::UpstreamFailed);
                } else if frame.is_none() || incoming.is_end_stream() {
                    entry.settle(*outcome);
                }
                Poll::Ready(frame)
            }
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Cut(bytes, ends, end) => {
                if let Some(bytes) = bytes.take() {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                // The bytes before are written before the connection looks at how it is to end.
                ends.send_replace(*end);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Cut(..) => false,
            Self::Passed(incoming, ..) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let left = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len) as u64;
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(left(bytes)),
            Self::Cut(bytes, ..) => SizeHint::with_exact(left(bytes) + LACKING),
            Self::Passed(incoming, ..) => incoming.size_hint(),
        }
    }
}
