//! Requests that differ from probe to probe: a placeholder in them, or lines of a file in turn.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method, Uri};

use super::target::Target;
use super::template::{Filling, Lines, Template, Turn, Values};
use lapse_measure::lane::LaneId;
use lapse_measure::time::Offset;
use lapse_record::entry::CarriedIds;

/// The header of the W3C's trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The lane of the request by which a target is checked: its id is that of no probe.
const CHECK: LaneId = LaneId(usize::MAX);

/// The parts of a request of which one at least differs from probe to probe.
#[derive(Debug)]
pub(super) struct Varying {
    lane: LaneId,
    filling: Filling,
    path: Text,
    body: Text,
    /// The headers over HTTP/1.1.
    http1: Vec<(HeaderName, Template)>,
    http2: Vec<(HeaderName, Template)>,
}

/// A request over HTTP/2.
pub(super) struct Http2Parts {
    /// `None` keeps the URL's.
    pub(super) path: Option<PathAndQuery>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A part of a request: lines in turn, or the one text if there are none.
#[derive(Debug)]
struct Text {
    lines: Lines,
    one: Template,
}

impl Text {
    fn is_plain(&self) -> bool {
        self.lines.is_empty() && self.one.is_plain()
    }

    fn has_uuid(&self) -> bool {
        if self.lines.is_empty() { self.one.has_uuid() } else { self.lines.iter().any(Template::has_uuid) }
    }

    fn at(&self, values: &Values) -> &Template {
        self.lines.at(values.slot).unwrap_or(&self.one)
    }
}

/// The path and the body of a target's request.
struct Templates {
    path: Text,
    body: Text,
}

impl Templates {
    fn of(target: &Target) -> Self {
        let path = path(&target.uri);
        let body = target.request.body.clone();
        let text = |lines: &Lines, one| Text { lines: lines.clone(), one };
        // The message of a gRPC call has the lengths of its parts in it.
        if target.expect.grpc.is_some() {
            let (path, none) = (Template::plain(Bytes::copy_from_slice(path.as_bytes())), Lines::default());
            return Self { path: text(&none, path), body: text(&none, Template::plain(body)) };
        }
        Self {
            path: text(&target.request.paths, Template::of_path(path)),
            body: text(&target.request.bodies, Template::of_text(&body)),
        }
    }
}

impl Varying {
    /// What differs in the requests of `target` on this lane, whose headers are those; `None` if nothing does.
    pub(super) fn of(
        target: &Target,
        (http1, http2): (&HeaderMap, &HeaderMap),
        (lane, filling): (LaneId, Filling),
    ) -> Option<Self> {
        let Templates { path, body } = Templates::of(target);
        let traceparent = target.request.traceparent.then(|| (TRACEPARENT, Template::traceparent()));
        let further: Vec<_> = target.request.fresh.iter().cloned().chain(traceparent).collect();
        let fields = |headers: &HeaderMap| fields(headers).chain(further.iter().cloned()).collect::<Vec<_>>();
        let (http1, http2) = (fields(http1), fields(http2));
        let is_plain = |fields: &[(HeaderName, Template)]| fields.iter().all(|(_, value)| value.is_plain());
        let is_same = path.is_plain() && body.is_plain() && is_plain(&http1) && is_plain(&http2);
        (!is_same).then_some(Self { lane, filling, path, body, http1, http2 })
    }

    fn values(&self, turn: Turn) -> Values {
        self.filling.values(self.lane, turn)
    }

    /// The whole request of a slot over HTTP/1.1 (RFC 9112, section 3).
    pub(super) fn http1(&self, method: &Method, turn: Turn) -> Vec<u8> {
        let values = self.values(turn);
        let body = self.body.at(&values).filled(&values);
        let mut out = format!("{method} ").into_bytes();
        self.path.at(&values).fill(&values, &mut out);
        out.extend(b" HTTP/1.1\r\n");
        for (name, value) in &self.http1 {
            out.extend(name.as_str().as_bytes());
            out.extend(b": ");
            if *name == CONTENT_LENGTH {
                out.extend(body.len().to_string().as_bytes());
            } else {
                value.fill(&values, &mut out);
            }
            out.extend(b"\r\n");
        }
        out.extend(b"\r\n");
        out.extend(body);
        out
    }

    /// The request of a slot over HTTP/2.
    pub(super) fn http2(&self, turn: Turn) -> Http2Parts {
        let values = self.values(turn);
        Http2Parts {
            path: PathAndQuery::from_maybe_shared(Bytes::from(self.path.at(&values).filled(&values))).ok(),
            headers: filled(&self.http2, &values),
            body: self.body.at(&values).filled(&values).into(),
        }
    }
}

/// The ids that the requests of `target` carry.
pub fn carried_ids(target: &Target) -> CarriedIds {
    let Templates { path, body } = Templates::of(target);
    let uuid = fields(&target.request.headers).any(|(_, value)| value.has_uuid()) || path.has_uuid() || body.has_uuid();
    CarriedIds { uuid, traceparent: target.request.traceparent }
}

/// The URL and the headers of a request by which another client checks `target` before the run.
pub fn check_request(target: &Target, filling: Filling) -> (Uri, HeaderMap) {
    let values = filling.values(CHECK, Turn { slot: 0, due: Offset::ZERO });
    let traceparent = target.request.traceparent.then(|| (TRACEPARENT, Template::traceparent()));
    let fresh = target.request.fresh.iter().cloned();
    let is_read_anew = |name: &HeaderName| target.request.fresh.iter().any(|(fresh, _)| fresh == name);
    let own = fields(&target.request.headers).filter(|(name, _)| !is_read_anew(name));
    let headers: Vec<_> = own.chain(fresh).chain(traceparent).collect();
    let path = PathAndQuery::from_maybe_shared(Bytes::from(Templates::of(target).path.at(&values).filled(&values)));
    (with_path(&target.uri, path.ok()), filled(&headers, &values))
}

/// `uri` with another path and query, if there are any.
pub(super) fn with_path(uri: &Uri, path: Option<PathAndQuery>) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// The path and the query of a URL.
pub(super) fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", PathAndQuery::as_str)
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, Template)> {
    let template = |value: &HeaderValue| Template::of_text(&Bytes::copy_from_slice(value.as_bytes()));
    headers.iter().map(move |(name, value)| (name.clone(), template(value)))
}

fn filled(fields: &[(HeaderName, Template)], values: &Values) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        // Values stand in place of signs that are allowed in a header, and so are they.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value.filled(values))) {
            headers.append(name.clone(), value);
        }
    }
    headers
}
