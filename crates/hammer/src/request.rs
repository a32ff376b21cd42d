//! A target's request, built once for both versions of HTTP: for HTTP/1.1 as the bytes that are written, for HTTP/2 as
//! a request that a probe clones. Only one that differs from probe to probe is built anew for each.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use super::redirect::FirstRedirect;
use super::target::{Expect, Target};
use super::template::{Filling, Turn};
use super::varying::{Varying, path, with_path};
use lapse_measure::lane::LaneId;

/// The request of a target with its default headers filled in.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    /// The whole request over HTTP/1.1.
    http1: Bytes,
    /// Whether the request itself asks the server to close an HTTP/1.1 connection after it.
    pub(super) closes: bool,
    /// The whole URL, from which HTTP/2 takes `:scheme` and `:authority`.
    uri: Uri,
    http2: HeaderMap,
    body: Bytes,
    /// What differs from probe to probe, if anything does.
    varying: Option<Box<Varying>>,
    /// The answers that count as healthy.
    pub(super) expect: Expect,
    /// The response header that names the backend.
    pub(super) backend: Option<HeaderName>,
    /// The response header that names the version.
    pub(super) version: Option<HeaderName>,
    /// The first redirect among the answers that count as healthy.
    pub(super) redirect: FirstRedirect,
}

impl PreparedRequest {
    /// Builds the request of `target` on this lane. Its own headers replace the default ones of the same name.
    pub(super) fn new(target: &Target, lane: LaneId, filling: Filling) -> Self {
        let mut common = HeaderMap::new();
        common.insert(USER_AGENT, HeaderValue::from_static(concat!("lapse/", env!("CARGO_PKG_VERSION"))));
        common.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let mut http1 = common.clone();
        if let Some(host) =
            target.uri.authority().and_then(|authority| HeaderValue::from_str(host(authority.as_str())).ok())
        {
            http1.insert(HOST, host);
        }
        let (mut http2, mut uri) = (common, target.uri.clone());
        let mut own = target.request.headers.clone();
        for (name, _) in &target.request.fresh {
            own.remove(name);
        }
        for name in own.keys().chain(target.request.fresh.iter().map(|(name, _)| name)) {
            http1.remove(name);
            http2.remove(name);
        }
        http1.extend(own.clone());
        http2.extend(own);
        // HTTP/2 has no Host header: the host goes into `:authority`, which hyper takes from the URI.
        if let Some(host) = http2.remove(HOST)
            && let Some(replaced) = with_host(&uri, &host)
        {
            uri = replaced;
        }
        // For methods that usually have a body, servers may require a length even if it is zero (RFC 9110, 8.6).
        let (method, body) = (target.request.method.clone(), target.request.body.clone());
        if !body.is_empty()
            || !target.request.bodies.is_empty()
            || [Method::POST, Method::PUT, Method::PATCH].contains(&method)
        {
            http1.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let closes = http1.get_all(CONNECTION).iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        let varying = Varying::of(target, (&http1, &http2), (lane, filling)).map(Box::new);
        let http1 = written(&method, path(&target.uri), &http1, &body);
        let (expect, redirect) = (target.expect.clone(), FirstRedirect::new(&target.expect));
        let (backend, version) = (target.backend.clone(), target.version.clone());
        Self { method, http1, closes, uri, http2, body, varying, expect, backend, version, redirect }
    }

    /// The bytes of a slot's request over HTTP/1.1.
    pub(super) fn http1(&self, turn: Turn) -> Cow<'_, [u8]> {
        match &self.varying {
            None => Cow::Borrowed(&self.http1),
            Some(varying) => Cow::Owned(varying.http1(&self.method, turn)),
        }
    }

    /// A slot's request to send over HTTP/2.
    pub(super) fn http2(&self, turn: Turn) -> Request<Full<Bytes>> {
        let (uri, headers, body) = match &self.varying {
            None => (self.uri.clone(), self.http2.clone(), self.body.clone()),
            Some(varying) => {
                let parts = varying.http2(turn);
                (with_path(&self.uri, parts.path), parts.headers, parts.body)
            }
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        *request.version_mut() = Version::HTTP_2;
        request
    }
}

/// A request as HTTP/1.1 writes it to an origin server (RFC 9112, section 3).
fn written(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Bytes {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes.into()
}

/// The host and port of an authority, without user name and password.
fn host(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// `uri` with `host` as its authority; `None` if `host` cannot be one.
fn with_host(uri: &Uri, host: &HeaderValue) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(host.to_str().ok()?.parse().ok()?);
    Uri::from_parts(parts).ok()
}
