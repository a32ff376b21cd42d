//! Sends one request to each target before the run, to learn its protocol and whether it answers as expected.
//!
//! The request is sent by a general-purpose client. Its trust, address and ALPN come from the same [`Target`] as the
//! hammer's, so that the two cannot disagree. An unexpected result is a warning, not an error: a run may begin while
//! the service is down.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method, Version};

use super::redirect;
use lapse_hammer::redirect::Redirect;
use lapse_hammer::target::{Http, Statuses, Target};
use lapse_hammer::template::Filling;
use lapse_hammer::varying::check_request;
use lapse_measure::lane::Protocol;
use lapse_record::error_chain::innermost;

/// The longest timeout of the check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The result of checking a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// The target's protocol; HTTP/1.1 or the protocol of the flags if it did not answer.
    pub protocol: Protocol,
    /// A warning for the user if the answer was unexpected, or if it is a redirect that counts as up.
    pub warning: Option<String>,
    /// Whether the warning is about a redirect that counts as up.
    pub redirects: bool,
}

impl Checked {
    /// The result for a target that was not asked.
    pub(crate) const fn guessed(target: &Target) -> Self {
        let protocol = match target.http {
            Http::Http2 => Protocol::Http2,
            Http::Auto | Http::Http1 => Protocol::Http1,
        };
        Self { protocol, warning: None, redirects: false }
    }
}

/// Checks `target` within `timeout`; `filling` fills the placeholders of its request in. Sends nothing if the method is not GET or HEAD, which might change something.
pub(crate) async fn check(target: &Target, filling: Filling, timeout: Duration) -> Checked {
    let guess = Checked::guessed(target);
    if target.request.method != Method::GET && target.request.method != Method::HEAD {
        return guess;
    }
    match ask(target, filling, timeout.min(CHECK_TIMEOUT)).await {
        Ok(answer) => {
            let protocol = if answer.version() == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http1 };
            let status = answer.status().as_u16();
            let location = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
            let redirects = Redirect::is(status) && target.expect.statuses == Statuses::default();
            let warning = if redirects {
                Some(redirect::notice(&target.name, &Redirect::new(status, location)))
            } else {
                let odd = !target.expect.statuses.contains(status);
                odd.then(|| format!("{} answers {status}, which is not expected: see --expect", target.name))
            };
            Checked { protocol, warning, redirects }
        }
        Err(error) => {
            let warning = format!("{} does not answer yet: {}", target.name, innermost(&error));
            Checked { warning: Some(warning), ..guess }
        }
    }
}

async fn ask(target: &Target, filling: Filling, timeout: Duration) -> reqwest::Result<reqwest::Response> {
    let mut client = reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    client = match target.http {
        Http::Http1 => client.http1_only(),
        Http::Http2 if target.tls.is_none() => client.http2_prior_knowledge(),
        Http::Http2 | Http::Auto => client,
    };
    // Plain HTTP needs no roots: without this the client would load the system's, which a slim container lacks.
    let rootless =
        || rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    client = client.tls_backend_preconfigured(target.tls_config().unwrap_or_else(rootless));
    if let Some((host, addresses)) = addresses(target) {
        client = client.resolve_to_addrs(&host, &addresses);
    }
    let (uri, headers) = check_request(target, filling);
    let request = client.build()?.request(target.request.method.clone(), uri.to_string());
    request.headers(headers).send().await
}

/// The URL's host, and the addresses that the hammer connects to where these are not the result of looking up the host.
fn addresses(target: &Target) -> Option<(String, Vec<SocketAddr>)> {
    let host = target.uri.host()?.to_owned();
    if let Some(addresses) = &target.addresses {
        return Some((host, vec![addresses.next()?]));
    }
    if let Some(resolved) = target.resolved() {
        return Some((host, resolved));
    }
    let (to, port) = target.connects_to();
    let is_led = !target.connect_to.is_empty();
    is_led.then(|| Some((host, (to.as_str(), port).to_socket_addrs().ok()?.collect())))?
}

/// Checks all targets concurrently.
pub(crate) async fn check_all(targets: &[Target], filling: Filling, timeout: Duration) -> Vec<Checked> {
    // reqwest needs a process-wide provider, even with a complete configuration. An error means that one is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked: Vec<_> = targets
        .iter()
        .map(|target| {
            let target = Arc::new(target.clone());
            tokio::spawn(async move { check(&target, filling, timeout).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in asked {
        let gone = || {
            let warning = Some("the check itself failed".to_owned());
            Checked { protocol: Protocol::Http1, warning, redirects: false }
        };
        answers.push(answer.await.unwrap_or_else(|_| gone()));
    }
    answers
}
