//! The addresses that a caller may have measured, as the operator names them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;

/// How a pattern is written.
const FORMS: &str = "write HOST or HOST:PORT, where HOST is a name, *.NAME, an address, a network such as 10.0.0.0/8 or [fd00::]/8, or *";

/// A pattern of addresses: hosts, and a port if it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    hosts: Hosts,
    port: Option<u16>,
}

/// The hosts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// Every host.
    All,
    /// The host of this name, in lower case.
    Name(String),
    /// The hosts below this name, which begins with a dot.
    Below(String),
    /// The addresses that have the first bits in common with this one.
    Network(IpAddr, u8),
}

impl Pattern {
    /// Whether the URL leads to such an address. Names are compared as written, not looked up.
    fn matches(&self, uri: &Uri) -> bool {
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let host = host.trim_matches(['[', ']']);
        let host = host.strip_suffix('.').unwrap_or(host);
        let matches = match (&self.hosts, host.parse::<IpAddr>()) {
            (Hosts::All, _) => true,
            (Hosts::Name(name), Err(_)) => name == host,
            (Hosts::Below(name), Err(_)) => host.len() > name.len() && host.ends_with(name),
            (Hosts::Network(network, bits), Ok(address)) => {
                leading(*network, *bits) == leading(address.to_canonical(), *bits)
            }
            (Hosts::Name(_) | Hosts::Below(_), Ok(_)) | (Hosts::Network(..), Err(_)) => false,
        };
        matches && self.port.is_none_or(|own| own == port)
    }
}

/// Whether one of the patterns allows the URL.
pub(crate) fn allows(patterns: &[Pattern], uri: &Uri) -> bool {
    patterns.iter().any(|pattern| pattern.matches(uri))
}

/// The first bits of an address, and its family.
fn leading(address: IpAddr, bits: u8) -> (bool, u128) {
    let (length, number) = match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    (address.is_ipv4(), number.checked_shr(length - u32::from(bits).min(length)).unwrap_or(0))
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hosts, port) = split(text);
        let port = match port {
            Some(port) => Some(port.parse().map_err(|_| format!("{port:?} is no port: {FORMS}"))?),
            None => None,
        };
        Ok(Self { hosts: hosts.parse()?, port })
    }
}

/// The host and the port of a pattern; brackets keep the colons of an address from those of ports.
fn split(text: &str) -> (&str, Option<&str>) {
    let after = text.rfind(']').unwrap_or(0);
    match text.rsplit_once(':') {
        Some((host, port)) if after > 0 && host.len() > after => (host, Some(port)),
        Some((host, port)) if after == 0 && !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

impl FromStr for Hosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no host: {FORMS}");
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Ok(Self::All);
        }
        let (address, bits) =
            text.split_once('/').map_or((text.as_str(), None), |(address, bits)| (address, Some(bits)));
        if let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = match bits {
                Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
                None => most,
            };
            return Ok(Self::Network(address, bits));
        }
        let is_name = |name: &str| {
            let is_label = |label: &str| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            name.split('.').all(is_label)
        };
        match text.strip_prefix("*.") {
            Some(name) if is_name(name) => Ok(Self::Below(format!(".{name}"))),
            None if is_name(&text) => Ok(Self::Name(text)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::All => f.write_str("*")?,
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(name) => write!(f, "*{name}")?,
            Hosts::Network(IpAddr::V4(address), bits) => write!(f, "{address}/{bits}")?,
            Hosts::Network(IpAddr::V6(address), bits) => write!(f, "[{address}]/{bits}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed(pattern: &str, url: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&url.parse().unwrap())
    }

    #[test]
    fn a_pattern_allows_what_it_names_and_nothing_beside_it() {
        for (pattern, url) in [
            ("shop", "http://shop/health"),
            ("Shop.Example.com", "https://shop.example.COM/"),
            ("shop:8080", "http://shop:8080/"),
            ("shop:443", "https://shop/"),
            ("*.example.com", "https://a.b.example.com/"),
            ("10.0.0.0/8", "http://10.1.2.3:99/"),
            ("10.0.0.0/8:80", "http://10.1.2.3/"),
            ("127.0.0.1", "http://127.0.0.1:1/"),
            ("fd00::/8", "http://[fd12::1]/"),
            ("[fd00::]/8:80", "http://[fd12::1]/"),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
            ("*", "http://anything/"),
            ("*:80", "http://1.2.3.4/"),
            ("0.0.0.0/0", "http://1.2.3.4/"),
        ] {
            assert!(allowed(pattern, url), "{pattern} {url}");
        }
        for (pattern, url) in [
            ("shop", "http://shop.evil/"),
            ("shop:8080", "http://shop/"),
            ("shop:80", "https://shop/"),
            ("*.example.com", "https://example.com/"),
            ("*.example.com", "https://evilexample.com/"),
            ("10.0.0.0/8", "http://11.1.2.3/"),
            ("10.0.0.0/8", "http://10.evil.example/"),
            ("*.1", "http://127.0.0.1/"),
            ("0.0.0.0/0", "http://[::1]/"),
            ("127.0.0.1", "http://127.0.0.2/"),
            ("*:80", "http://1.2.3.4:81/"),
        ] {
            assert!(!allowed(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_forms() {
        for text in ["", "http://shop/", "shop:http", "10.0.0.0/33", "a b", "*shop", "*.", "shop/24", ":80"] {
            assert!(text.parse::<Pattern>().unwrap_err().contains("write HOST"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_a_pattern_prints_as_itself(text in "[a-z0-9.:/*\\[\\]-]{0,16}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.to_string().parse::<Pattern>(), Ok(pattern));
            }
        }
    }
}
