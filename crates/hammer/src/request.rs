//! A target's request, built once for both versions of HTTP: for HTTP/1.1 as the bytes that are written, for HTTP/2 as
//! a request that a probe clones.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use super::redirect::FirstRedirect;
use super::target::{Expect, Target};

/// The request of a target with its default headers filled in.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) method: Method,
    /// The whole request over HTTP/1.1.
    pub(super) http1: Bytes,
    /// Whether the request itself asks the server to close an HTTP/1.1 connection after it.
    pub(super) closes: bool,
    /// The whole URL, from which HTTP/2 takes `:scheme` and `:authority`.
    uri: Uri,
    http2: HeaderMap,
    body: Bytes,
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
    /// Builds the request of `target`. Its own headers replace the default ones of the same name.
    pub(super) fn new(target: &Target) -> Self {
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
        for name in target.request.headers.keys() {
            http1.remove(name);
            http2.remove(name);
        }
        http1.extend(target.request.headers.clone());
        http2.extend(target.request.headers.clone());
        // HTTP/2 has no Host header: the host goes into `:authority`, which hyper takes from the URI.
        if let Some(host) = http2.remove(HOST)
            && let Some(replaced) = with_host(&uri, &host)
        {
            uri = replaced;
        }
        // For methods that usually have a body, servers may require a length even if it is zero (RFC 9110, 8.6).
        let (method, body) = (target.request.method.clone(), target.request.body.clone());
        if !body.is_empty() || [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            http1.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let closes = http1.get_all(CONNECTION).iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
        let http1 = written(&method, path, &http1, &body);
        let (expect, redirect) = (target.expect.clone(), FirstRedirect::new(&target.expect));
        let (backend, version) = (target.backend.clone(), target.version.clone());
        Self { method, http1, closes, uri, http2, body, expect, backend, version, redirect }
    }

    /// A copy of the request to send over HTTP/2.
    pub(super) fn http2(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.http2.clone();
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
