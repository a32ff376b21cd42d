//! What the HTTP servers of lapse share: accepting connections, answers, and the names under which they answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// An answer, whole in memory.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The media type of plain text.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of a page.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The pause when no connection can be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections, and converses on each in a task of its own: on `most` at once, further ones wait. Never returns.
pub(crate) async fn accept<T>(listener: &TcpListener, most: usize, converse: impl Fn(TcpStream) -> T)
where
    T: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(most));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation = converse(stream);
                tokio::spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
            // No descriptor is left: probes come first.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// An answer that no cache keeps.
pub(crate) fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a request with these headers may be answered where there is no other protection. Another site's owner can
/// point a name here, and their page could then read this one; an IP address cannot be misused like that.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_ours_as)
}

fn is_ours_as(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_other_than_localhost_is_refused() {
        for ours in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "10.0.0.7"] {
            assert!(is_ours_as(ours), "{ours}");
        }
        for other in ["evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "", "[evil]:80"] {
            assert!(!is_ours_as(other), "{other}");
        }
    }
}
