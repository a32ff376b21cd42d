//! Which requests are attempts at the same thing: those with the same key.

use std::hash::{BuildHasher, RandomState};

use hyper::Request;
use hyper::header::{HeaderMap, HeaderName};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The key of a request, shortened to 128 bits so that a client cannot fill the memory with long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

/// Where keys are looked for.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The only header to look at, if one was chosen.
    header: Option<HeaderName>,
    hashers: [RandomState; 2],
}

impl Keys {
    /// Keys in this header; without one in `idempotency-key`, else in `traceparent`.
    pub(crate) fn new(header: Option<HeaderName>) -> Self {
        Self { header, hashers: Default::default() }
    }

    /// The key of a request; `None` if it has none.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Option<Key> {
        let headers = request.headers();
        if let Some(header) = &self.header {
            return headers.get(header).map(|value| self.shorten(&[b"", value.as_bytes()]));
        }
        if let Some(value) = headers.get(IDEMPOTENCY_KEY) {
            return Some(self.shorten(&[b"i", value.as_bytes()]));
        }
        // A trace may have several requests, so that the place is part of the key.
        let path = request.uri().path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let method = request.method().as_str().as_bytes();
        trace(headers).map(|trace| self.shorten(&[b"t", trace.as_bytes(), method, path.as_bytes()]))
    }

    fn shorten(&self, parts: &[&[u8]]) -> Key {
        let [high, low] = self.hashers.each_ref().map(|hasher| u128::from(hasher.hash_one(parts)));
        Key(high << 64 | low)
    }
}

/// The trace id of W3C Trace Context: `00-TRACE-PARENT-FLAGS`.
fn trace(headers: &HeaderMap) -> Option<&str> {
    let trace = headers.get(TRACEPARENT)?.to_str().ok()?.split('-').nth(1)?;
    let is_one = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_one && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use hyper::Uri;

    use super::*;

    fn request(path: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(path.parse::<Uri>().unwrap());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn attempts_share_a_key_whatever_else_differs() {
        let keys = Keys::new(None);
        let of = |path, headers: &[(&str, &str)]| keys.of(&request(path, headers));
        let trace = |parent: &str| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{parent}-01");
        let (one, other) = (trace("00f067aa0ba902b7"), trace("00f067aa0ba902b8"));
        assert_eq!(of("/a", &[]), None);
        assert_eq!(of("/a", &[("idempotency-key", "1")]), of("/b", &[("idempotency-key", "1"), ("x", "y")]));
        assert_ne!(of("/a", &[("idempotency-key", "1")]), of("/a", &[("idempotency-key", "2")]));
        assert_eq!(of("/a", &[("traceparent", &one)]), of("/a", &[("traceparent", &other)]));
        assert_ne!(of("/a", &[("traceparent", &one)]), of("/b", &[("traceparent", &one)]), "two calls of a trace");
        for invalid in ["", "00", "00-xyz-1-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(of("/a", &[("traceparent", invalid)]), None, "{invalid}");
        }
    }

    #[test]
    fn a_chosen_header_is_the_only_one() {
        let keys = Keys::new(Some(HeaderName::from_static("x-request-id")));
        let of = |headers: &[(&str, &str)]| keys.of(&request("/", headers));
        assert_eq!(of(&[("x-request-id", "1")]), of(&[("x-request-id", "1"), ("idempotency-key", "2")]));
        assert_eq!(of(&[("idempotency-key", "2")]), None);
    }
}
