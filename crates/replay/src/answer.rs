//! The answers that a replay gives, and bodies that end early.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use crate::play::Reply;
use crate::playback::Position;
use crate::stream::End;

/// The header with the offset of the recorded run that an answer was played from, in milliseconds; `before` and `after`
/// a replay.
const OFFSET: HeaderName = HeaderName::from_static("lapse-replay-offset");
/// How many bytes a body that is cut lacks.
const LACKING: u64 = 100;

/// A body: whole, or cut after its bytes.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    bytes: Option<Bytes>,
    /// For a body that is cut: how the connection ends, or `None` if it only falls silent.
    cut: Option<(watch::Sender<Option<End>>, Option<End>)>,
}

/// A whole answer.
pub(crate) fn whole(reply: &Reply, position: Position) -> Response<ReplyBody> {
    respond(reply, position, ReplyBody { bytes: Some(reply.body.clone()), cut: None })
}

/// An answer whose body is cut after the bytes of `reply`: the connection ends as `end` says, or falls silent.
pub(crate) fn cut(
    reply: &Reply,
    position: Position,
    ends: watch::Sender<Option<End>>,
    end: Option<End>,
) -> Response<ReplyBody> {
    let body = if reply.body.is_empty() { Bytes::from_static(b"not a hundred bytes\n") } else { reply.body.clone() };
    respond(reply, position, ReplyBody { bytes: Some(body), cut: Some((ends, end)) })
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
    let offset = match position {
        Position::Waiting => HeaderValue::from_static("before"),
        Position::Over => HeaderValue::from_static("after"),
        Position::At(at) => {
            let micros = at.as_nanos() / 1_000;
            let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
        }
    };
    response.headers_mut().insert(OFFSET, offset);
    response
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (self.bytes.take(), &self.cut) {
            (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            (None, None) => Poll::Ready(None),
            // The bytes before are written before the connection looks at how it is to end.
            (None, Some((ends, end))) => {
                ends.send_replace(*end);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.bytes.as_ref().map_or(0, Bytes::len) as u64;
        SizeHint::with_exact(left + if self.cut.is_some() { LACKING } else { 0 })
    }
}
