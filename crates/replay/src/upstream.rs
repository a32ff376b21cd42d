//! The real service behind a replay, which answers while the recorded one was well.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::{self, Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, Uri, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;

/// The time in which the upstream has to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Headers that are about one connection and not about the request (RFC 9110, section 7.6.1), and `expect`, which the
/// replay has answered itself. Those that `connection` names belong to these as well.
const OF_ONE_HOP: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The reason why a URL cannot be that of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the URL of a service with no query, such as http://127.0.0.1:3000")]
pub struct NoService;

/// A service that requests are passed to.
#[derive(Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Incoming>,
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
    /// What comes before the path of each request; without a slash at its end.
    prefix: String,
}

/// The reason why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request has a path that cannot follow that of the upstream.
    #[error("the path cannot be passed on")]
    Path(#[from] hyper::http::Error),
    /// The connection, or the upstream, failed.
    #[error("no answer")]
    Failed(#[from] legacy::Error),
}

impl Upstream {
    /// The service at `url`, which is trusted as `tls` says if that is an `https://` URL.
    pub fn new(url: &str, tls: ClientConfig) -> Result<Self, NoService> {
        let parts = url.parse::<Uri>().map_err(|_| NoService)?.into_parts();
        let scheme = parts.scheme.filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
        let (scheme, authority) = scheme.zip(parts.authority).ok_or(NoService)?;
        let path = parts.path_and_query.filter(|path| path.query().is_none()).ok_or(NoService)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| NoService)?;
        if authority.as_str().contains('@') {
            return Err(NoService);
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let secure = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new()).build(secure.wrap_connector(connector));
        Ok(Self { client, scheme, authority, host, prefix: path.path().trim_end_matches('/').to_owned() })
    }

    /// Passes `request` on over HTTP/1.1, its body as it comes, and returns the answer as it comes.
    pub(crate) async fn pass(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Error> {
        let (mut head, body) = request.into_parts();
        head.uri = self.place(&head.uri)?;
        head.version = Version::HTTP_11;
        keep_end_to_end(&mut head.headers);
        join_cookies(&mut head.headers);
        head.headers.insert(HOST, self.host.clone());
        let mut response = self.client.request(Request::from_parts(head, body)).await?;
        keep_end_to_end(response.headers_mut());
        *response.version_mut() = Version::HTTP_11;
        Ok(response)
    }

    /// Where the upstream has what a client asked for at `asked`.
    fn place(&self, asked: &Uri) -> Result<Uri, hyper::http::Error> {
        let path = asked.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = if path.starts_with('/') { format!("{}{path}", self.prefix) } else { path.to_owned() };
        uri::Builder::new().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path).build()
    }
}

/// Removes the headers that are about one connection only.
fn keep_end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_ONE_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Joins cookies, which HTTP/2 may send in pieces, to the one header that HTTP/1.1 allows (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::crypto::ring;

    use super::*;

    fn upstream(url: &str) -> Result<Upstream, NoService> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        Upstream::new(url, builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    #[test]
    fn a_request_goes_to_the_same_path_below_that_of_the_upstream() {
        let place = |url: &str, asked: &str| upstream(url).unwrap().place(&asked.parse().unwrap()).unwrap().to_string();
        assert_eq!(place("http://a:3000", "/b/c?d=e"), "http://a:3000/b/c?d=e");
        assert_eq!(place("https://a/shop/", "http://replay:1/b?"), "https://a/shop/b?");
        assert_eq!(place("http://a", "/"), "http://a/");
    }

    #[test]
    fn what_is_no_service_is_refused() {
        for url in ["", "a", "ftp://a/", "http://", "http://a/?b=c", "/path", "http://user@a/", "http://a b/"] {
            assert_eq!(upstream(url).err(), Some(NoService), "{url}");
        }
    }

    #[test]
    fn headers_about_one_connection_stay_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("x-private", "1"),
            ("x-public", "2"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        keep_end_to_end(&mut headers);
        join_cookies(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(left, [("cookie", "a=1; b=2"), ("x-public", "2")]);
    }
}
