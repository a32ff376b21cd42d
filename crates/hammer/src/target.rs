//! The description of a target: its address, the request to send, and the answers that count as healthy.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, Uri};
use regex::bytes::Regex;

use super::addresses::Resolve;
use super::grpc::{GrpcCall, HEALTH};
use super::template::{Lines, Template};

/// The versions of HTTP that probes may use with a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// Over TLS the server chooses between HTTP/2 and HTTP/1.1 by ALPN; without TLS this is HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only, over TLS offered as the only protocol.
    Http1,
    /// HTTP/2 only: over TLS by ALPN, without TLS with prior knowledge.
    Http2,
}

/// One URL to probe, with all that the hammer needs to send requests to it and to judge the answers.
#[derive(Clone, Debug)]
pub struct Target {
    /// The target's name in reports and error messages.
    pub name: String,
    /// An absolute URL with the scheme `http` or `https`.
    pub uri: Uri,
    /// The versions of HTTP to offer.
    pub http: Http,
    /// Rules that lead connections to another host or port; the first one that matches applies.
    pub connect_to: Vec<ConnectTo>,
    /// Addresses of names that are not looked up; the first rule that matches what is connected to applies.
    pub resolve: Vec<Resolve>,
    /// The TLS configuration, present exactly for `https`. ALPN in it is overwritten, see [`Target::tls_config`].
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// The request of each probe.
    pub request: Request,
    /// The answers that count as healthy.
    pub expect: Expect,
    /// Addresses found elsewhere, such as in a cluster. They override both the URL's host and `connect_to`.
    pub addresses: Option<AddressList>,
    /// The response header that names the backend, if the service sends one.
    pub backend: Option<HeaderName>,
    /// The response header that names the version of the service, if versions are told apart.
    pub version: Option<HeaderName>,
}

impl Target {
    /// The URL's host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The URL as the user wrote it: that of a gRPC call has a scheme of its own, and a health check no path.
    pub fn url(&self) -> String {
        let url = as_typed(self.uri.to_string());
        match &self.expect.grpc {
            None => url,
            Some(GrpcCall::Method) => url.replacen("http", "grpc", 1),
            Some(GrpcCall::Health(service)) => {
                let root = url.replacen("http", "grpc", 1).replacen(HEALTH, "/", 1);
                if service.is_empty() { root } else { format!("{root}?service={service}") }
            }
        }
    }

    /// The host and port to connect to: those of the URL, unless a `connect_to` rule replaces them.
    pub fn connects_to(&self) -> (String, u16) {
        let port = self.uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let replaced = self.connect_to.iter().find_map(|rule| rule.apply(self.host(), port));
        replaced.unwrap_or_else(|| (self.host().to_owned(), port))
    }

    /// The addresses that a rule gives for what is connected to.
    pub fn resolved(&self) -> Option<Vec<SocketAddr>> {
        let (host, port) = self.connects_to();
        self.resolve.iter().find_map(|rule| rule.apply(&host, port))
    }

    /// Looks the name up that is connected to, once for all connections; does nothing where its addresses are known.
    pub async fn resolve_once(&mut self) -> io::Result<()> {
        let (host, port) = self.connects_to();
        if self.addresses.is_none() && self.resolved().is_none() && host.parse::<IpAddr>().is_err() {
            self.resolve.push(Resolve::look_up(host, port).await?);
        }
        Ok(())
    }

    /// The TLS configuration, offering by ALPN the protocols that [`Http`] allows. `None` for a target without TLS.
    pub fn tls_config(&self) -> Option<rustls::ClientConfig> {
        let mut config = rustls::ClientConfig::clone(self.tls.as_deref()?);
        config.alpn_protocols = self.http.alpn();
        Some(config)
    }
}

/// The URL with its placeholders as they are typed: in the path, their braces are percent-encoded.
fn as_typed(url: String) -> String {
    let word = |url: String, word: &str| {
        let once = format!("%7B{word}%7D");
        let twice = url.replace(&format!("%7B{once}%7D"), &format!("{{{{{word}}}}}"));
        twice.replace(&once, &format!("{{{word}}}"))
    };
    if url.contains("%7B") { ["slot", "uuid", "time"].into_iter().fold(url, word) } else { url }
}

/// The addresses of a target that does not resolve by name, such as the pods of a service. They may change during the
/// run; clones share one list, and new connections use its addresses in turn.
#[derive(Clone, Debug, Default)]
pub struct AddressList(Arc<Mutex<Rotation>>);

#[derive(Debug, Default)]
struct Rotation {
    addresses: Vec<SocketAddr>,
    turn: usize,
}

impl AddressList {
    /// Replaces the addresses, for connections opened from now on.
    pub fn set(&self, addresses: Vec<SocketAddr>) {
        self.lock().addresses = addresses;
    }

    /// The address for the next connection; `None` while the list is empty.
    pub fn next(&self) -> Option<SocketAddr> {
        let mut rotation = self.lock();
        rotation.turn = rotation.turn.wrapping_add(1);
        let Rotation { addresses, turn } = &*rotation;
        addresses.get(turn % addresses.len().max(1)).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Rotation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request that every probe of a target sends. Placeholders in its URL, headers and body are filled in for each
/// probe (see [`Template`]), not those in the URL and the body of a gRPC call.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The request method, GET by default.
    pub method: Method,
    /// Extra headers. They replace those that lapse sends by itself: `Host`, `User-Agent`, `Accept`, `Content-Length`.
    pub headers: HeaderMap,
    /// Headers whose values are read anew while the run goes on; they replace those above of the same name.
    pub fresh: Vec<(HeaderName, Template)>,
    /// The request body; empty for none.
    pub body: Bytes,
    /// Paths with their queries that are sent in turn instead of the URL's.
    pub paths: Lines,
    /// Bodies that are sent in turn instead of the one.
    pub bodies: Lines,
    /// Whether each probe sends a `traceparent` header of its own.
    pub traceparent: bool,
}

/// The answers that count as healthy.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The expected status codes.
    pub statuses: Statuses,
    /// A pattern that must match within the first MiB of the body.
    pub body: Option<Regex>,
    /// The gRPC call that the request is, if it is one: then its status decides, and the others are not asked.
    pub grpc: Option<GrpcCall>,
}

/// A set of status codes, written as in `200-399,404`. The default is 200 to 399.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// The part of a `--expect` value that is neither a status code nor a range of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status code from 100 to 999, and no range of them: write them as in 200-399,404")]
pub struct NoStatuses(String);

/// A `--connect-to` rule, `HOST:PORT:ADDR:PORT2`: connections meant for HOST:PORT go to ADDR:PORT2. An empty HOST or
/// PORT matches any; an empty ADDR or PORT2 leaves that part of the destination as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    host: Option<String>,
    port: Option<u16>,
    to_host: Option<String>,
    to_port: Option<u16>,
}

/// A `--connect-to` value that does not have the four parts of a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT:ADDR:PORT, such as shop.example.com:443:10.0.0.7:8443 or ::[::1]:8080")]
pub struct NoConnectTo(String);

// === impl Http ===

impl Http {
    /// The ALPN protocol names to offer over TLS, the preferred one first.
    pub fn alpn(self) -> Vec<Vec<u8>> {
        let offered: &[&[u8]] = match self {
            Self::Auto => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        };
        offered.iter().map(|name| name.to_vec()).collect()
    }
}

// === impl Statuses ===

impl Statuses {
    /// Whether `status` is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

impl FromStr for Statuses {
    type Err = NoStatuses;

    fn from_str(text: &str) -> Result<Self, NoStatuses> {
        let code = |text: &str| text.trim().parse().ok().filter(|code| (100..=999).contains(code));
        let range = |part: &str| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let range = code(from)..=code(to);
            match range.into_inner() {
                (Some(from), Some(to)) if from <= to => Ok(from..=to),
                _ => Err(NoStatuses(part.to_owned())),
            }
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{}-{}", range.start(), range.end())?;
        }
        Ok(())
    }
}

// === impl ConnectTo ===

impl ConnectTo {
    /// The destination for a connection meant for `host` and `port`; `None` if this rule does not match them.
    pub fn apply(&self, host: &str, port: u16) -> Option<(String, u16)> {
        let plain = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let host_fits = self.host.as_ref().is_none_or(|own| plain(own) == plain(host));
        let fits = host_fits && self.port.is_none_or(|own| own == port);
        fits.then(|| (self.to_host.clone().unwrap_or_else(|| plain(host)), self.to_port.unwrap_or(port)))
    }
}

impl FromStr for ConnectTo {
    type Err = NoConnectTo;

    fn from_str(text: &str) -> Result<Self, NoConnectTo> {
        let parts = split(text).filter(|parts| parts.len() == 4).ok_or_else(|| NoConnectTo(text.to_owned()))?;
        let name = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        let port = |part: &str| match part {
            "" => Ok(None),
            number => number.parse().map(Some).map_err(|_| NoConnectTo(text.to_owned())),
        };
        let (host, to_host) = (name(parts[0]), name(parts[2]));
        Ok(Self { host, port: port(parts[1])?, to_host, to_port: port(parts[3])? })
    }
}

/// Splits `text` at its colons, but not within the brackets of an IPv6 address. `None` if the brackets hold no address.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (part, after) = match text.strip_prefix('[') {
            Some(inner) => {
                let (address, after) = inner.split_once(']')?;
                address.parse::<IpAddr>().ok()?;
                (address, after)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        parts.push(part);
        rest = match after {
            "" => None,
            more => Some(more.strip_prefix(':')?),
        };
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_single_status_codes_and_ranges() {
        let statuses: Statuses = "200-299, 404".parse().unwrap();
        assert!(statuses.contains(204) && statuses.contains(404) && !statuses.contains(301) && !statuses.contains(503));
        for wrong in ["", "2xx", "99", "300-200", "200,,300", "200-1000"] {
            assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_connect_to_rule_replaces_host_and_port_where_it_matches() {
        let rule = |text: &str| text.parse::<ConnectTo>().unwrap();
        let to = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(rule("shop:443:10.0.0.7:8443").apply("SHOP", 443), to("10.0.0.7", 8443));
        assert_eq!(rule("shop:443:10.0.0.7:8443").apply("shop", 80), None);
        assert_eq!(rule("::127.0.0.1:").apply("shop", 80), to("127.0.0.1", 80));
        assert_eq!(rule("[::1]:80:[::2]:81").apply("[::1]", 80), to("::2", 81));
        for wrong in ["shop", "shop:443:x", "a:b:c:d", "[x]:1:y:2", "a:1:b:99999", "a:1:b:2:c"] {
            assert!(wrong.parse::<ConnectTo>().is_err(), "{wrong}");
        }
    }
}
