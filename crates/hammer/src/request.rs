//! What is sent to a target, made ready once: each probe only copies it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Uri, Version};

use super::target::{Expect, Target};

/// A target's request, for both versions of HTTP.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    method: Method,
    path: Uri,
    uri: Uri,
    http1: HeaderMap,
    http2: HeaderMap,
    body: Bytes,
    /// Which answers are healthy.
    pub(super) expect: Expect,
    /// The header that names who answers.
    pub(super) backend: Option<HeaderName>,
}

impl PreparedRequest {
    /// What is sent to `target`.
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
        // Over HTTP/2 the host is not a header but part of the address.
        if let Some(host) = http2.remove(HOST)
            && let Some(told) = with_host(&uri, &host)
        {
            uri = told;
        }
        // Where a body could be, a server may insist on being told that there is none (RFC 9110, section 8.6).
        if target.request.body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&target.request.method)
        {
            http1.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let path = target.uri.path_and_query().map_or("/", |path| path.as_str()).parse().unwrap_or_default();
        let (method, body) = (target.request.method.clone(), target.request.body.clone());
        Self { method, path, uri, http1, http2, body, expect: target.expect.clone(), backend: target.backend.clone() }
    }

    /// The request, for this version of HTTP.
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

/// The authority without a user name.
fn host(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn with_host(uri: &Uri, host: &HeaderValue) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(host.to_str().ok()?.parse().ok()?);
    Uri::from_parts(parts).ok()
}
