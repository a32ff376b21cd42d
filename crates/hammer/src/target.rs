//! Whom to probe, what to send there, and what to make of the answer.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, Uri};
use regex::bytes::Regex;

/// Which versions of HTTP are spoken with a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    /// Over TLS whichever of HTTP/2 and HTTP/1.1 the server chooses, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: over TLS by ALPN, else with prior knowledge.
    Http2,
}

/// One target.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it is called.
    pub name: String,
    /// An absolute URL with the scheme `http` or `https`.
    pub uri: Uri,
    /// Which versions of HTTP to speak.
    pub http: Http,
    /// Where to connect to instead.
    pub connect_to: Vec<ConnectTo>,
    /// How to do TLS, for `https`; ALPN is set by the engine.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// What to send.
    pub request: Request,
    /// Which answers are healthy.
    pub expect: Expect,
    /// Where it is, whatever its URL and `connect_to` say.
    pub addresses: Option<AddressList>,
    /// The header by which an answer names who gave it.
    pub backend: Option<HeaderName>,
}

impl Target {
    /// The host of the URL, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The host and the port that connections go to: those of the URL, led elsewhere by `connect_to`.
    pub fn connects_to(&self) -> (String, u16) {
        let port = self.uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let led = self.connect_to.iter().find_map(|rule| rule.apply(self.host(), port));
        led.unwrap_or_else(|| (self.host().to_owned(), port))
    }

    /// The TLS configuration with the protocols that [`Http`] allows, for `https`.
    pub fn tls_config(&self) -> Option<rustls::ClientConfig> {
        let mut config = rustls::ClientConfig::clone(self.tls.as_deref()?);
        config.alpn_protocols = self.http.alpn();
        Some(config)
    }
}

/// Where a target is when that is not for its URL to say: addresses that may change while the run goes on. New connections
/// take them in turn.
#[derive(Clone, Debug, Default)]
pub struct AddressList(Arc<Mutex<(Vec<SocketAddr>, usize)>>);

impl AddressList {
    /// From now on these.
    pub fn set(&self, addresses: Vec<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = addresses;
    }

    /// The next one, if there is any.
    pub fn next(&self) -> Option<SocketAddr> {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.1 = addresses.1.wrapping_add(1);
        let (addresses, turn) = &*addresses;
        addresses.get(turn % addresses.len().max(1)).copied()
    }
}

/// What is sent to a target, each time the same.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The headers besides `Host`, `User-Agent`, `Accept` and `Content-Length`, which they may override.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Which answers are healthy.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The status codes that are.
    pub statuses: Statuses,
    /// What the first MiB of the body must match.
    pub body: Option<Regex>,
}

/// Status codes, as in `200-399,404`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// A text that is no list of status codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status code from 100 to 999, and no range of them: write them as in 200-399,404")]
pub struct NoStatuses(String);

/// `HOST:PORT:ADDR:PORT2`: where HOST:PORT is meant, connect to ADDR:PORT2. An empty part matches, or keeps, any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    host: Option<String>,
    port: Option<u16>,
    to_host: Option<String>,
    to_port: Option<u16>,
}

/// A text that is no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT:ADDR:PORT, such as shop.example.com:443:10.0.0.7:8443 or ::[::1]:8080")]
pub struct NoConnectTo(String);

// === impl Http ===

impl Http {
    /// What is offered to a server over TLS, the best first.
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
    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    /// 2xx and 3xx.
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
    /// Where to connect to if `host` and `port` are meant; `None` if this rule is not about them.
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

/// The parts between colons; those within brackets, which IPv6 addresses stand in, separate nothing.
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
    fn statuses_are_codes_and_ranges() {
        let statuses: Statuses = "200-299, 404".parse().unwrap();
        assert!(statuses.contains(204) && statuses.contains(404) && !statuses.contains(301) && !statuses.contains(503));
        for wrong in ["", "2xx", "99", "300-200", "200,,300", "200-1000"] {
            assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn connections_can_be_led_elsewhere() {
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
