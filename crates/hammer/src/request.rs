//! A target's request, built once for both versions of HTTP, so that a probe only clones it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use super::target::{Expect, Target};

/// The request of a target with its default headers filled in.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    method: Method,
    /// The path and query only, as HTTP/1.1 sends it to an origin server.
    path: Uri,
    /// The whole URL, from which HTTP/2 takes `:scheme` and `:authority`.
    uri: Uri,
    http1: HeaderMap,
    http2: HeaderMap,
    body: Bytes,
    /// The answers that count as healthy.
    pub(super) expect: Expect,
    /// The response header that names the backend.
    pub(super) backend: Option<HeaderName>,
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
        if target.request.body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&target.request.method)
        {
            http1.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let path = target.uri.path_and_query().map_or("/", |path| path.as_str()).parse().unwrap_or_default();
        let (method, body) = (target.request.method.clone(), target.request.body.clone());
        Self { method, path, uri, http1, http2, body, expect: target.expect.clone(), backend: target.backend.clone() }
    }

    /// A copy of the request to send by `version`: HTTP/2, or else HTTP/1.1.
    pub(super) fn request(&self, version: Version) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        let (uri, headers) =
            if version == Version::HTTP_2 { (&self.uri, &self.http2) } else { (&self.path, &self.http1) };
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        *request.version_mut() = version;
        request
    }
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
