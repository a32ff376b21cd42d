//! All that a probe can see: one closed enum, the record of one probe, and the evidence of a failed one.
//!
//! Grouping is by class, never by message text: texts hold ephemeral ports, which split groups.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::time::Offset;

/// What became of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Expected status, complete body.
    Ok,
    /// As `Ok`, but later after its due time than the slow threshold.
    Slow,
    /// A complete response with an unexpected status code.
    Status(u16),
    /// The name did not resolve.
    Dns,
    /// Connect was refused (`ECONNREFUSED`).
    Refused,
    /// No route to the host or the network (`EHOSTUNREACH`, `ENETUNREACH`).
    Unreachable,
    /// No SYN-ACK in time.
    ConnectTimeout,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// `ECONNRESET` or `EPIPE` before the first byte of a response.
    Reset,
    /// End of stream before the first byte of a response.
    Closed,
    /// Connected and sent, but no complete head in time.
    ResponseTimeout,
    /// A response began and was cut short by end of stream, reset or timeout.
    Truncated,
    /// Bytes that are not HTTP.
    Malformed,
    /// HTTP/2: `RST_STREAM`, or a GOAWAY that refused this stream.
    StreamReset,
    /// The status was fine, the configured body check failed.
    UnexpectedBody,
    /// The prober could not send: blind, never downtime.
    NotSent(Unsent),
}

/// Why the prober could not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsent {
    /// No free local port.
    NoPort,
    /// No free file descriptor.
    NoDescriptor,
    /// As many probes were already in flight as the descriptor limit allows.
    InFlightLimit,
    /// The prober itself did not run when the slot was due.
    Stall,
}

/// What a class counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// The service answered as expected.
    Up,
    /// The service answered as expected, but late.
    Slow,
    /// The service failed.
    Failed,
    /// The prober did not look.
    Blind,
}

/// Every class that carries no figure, with its spelling.
const SPELT: [(Class, &str); 18] = [
    (Class::Ok, "ok"),
    (Class::Slow, "slow"),
    (Class::Dns, "dns"),
    (Class::Refused, "refused"),
    (Class::Unreachable, "unreachable"),
    (Class::ConnectTimeout, "connect-timeout"),
    (Class::Tls, "tls"),
    (Class::Reset, "reset"),
    (Class::Closed, "closed"),
    (Class::ResponseTimeout, "response-timeout"),
    (Class::Truncated, "truncated"),
    (Class::Malformed, "malformed"),
    (Class::StreamReset, "stream-reset"),
    (Class::UnexpectedBody, "unexpected-body"),
    (Class::NotSent(Unsent::NoPort), "not-sent no-port"),
    (Class::NotSent(Unsent::NoDescriptor), "not-sent no-descriptor"),
    (Class::NotSent(Unsent::InFlightLimit), "not-sent in-flight-limit"),
    (Class::NotSent(Unsent::Stall), "not-sent stall"),
];

impl Class {
    /// What this class counts as.
    pub const fn health(self) -> Health {
        match self {
            Self::Ok => Health::Up,
            Self::Slow => Health::Slow,
            Self::NotSent(_) => Health::Blind,
            _ => Health::Failed,
        }
    }

    /// A dense code for journals: its place in a fixed list, or a thousand and more for a status.
    pub fn code(self) -> u16 {
        match self {
            Self::Status(status) => 1000 + status,
            other => SPELT.iter().zip(0..).find(|((class, _), _)| *class == other).map_or(0, |(_, code)| code),
        }
    }

    /// The class that has this [`code`](Self::code).
    pub fn from_code(code: u16) -> Option<Self> {
        match code {
            1000..=1999 => Some(Self::Status(code - 1000)),
            _ => SPELT.get(usize::from(code)).map(|(class, _)| *class),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "status {code}"),
            other => f.pad(SPELT.iter().find(|(class, _)| class == other).map_or("", |(_, text)| text)),
        }
    }
}

impl FromStr for Class {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(code) = text.strip_prefix("status ") {
            return code.parse().map(Self::Status).map_err(drop);
        }
        SPELT.iter().find(|(_, spelt)| *spelt == text).map(|(class, _)| *class).ok_or(())
    }
}

/// Whether a probe's connection had served a request before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// Opened for this probe.
    New,
    /// Taken from the pool.
    Reused,
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Reused => "reused",
        })
    }
}

/// What the measuring core needs to know of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The slot's number in its lane.
    pub slot: u64,
    /// When the slot was due.
    pub due: Offset,
    /// Just before the first byte of the attempt: before connect on a new connection. The moment
    /// of the decision where nothing was sent.
    pub sent: Offset,
    /// When the answer was complete.
    pub done: Offset,
    /// The answer.
    pub class: Class,
    /// The prober's own clock ended this probe: of when it met the service only `sent` is known.
    pub timed_out: bool,
    /// Whether the connection was new.
    pub connection: Connection,
    /// Pooled connections found closed before this probe was written, and replaced.
    pub reconnects: u8,
}

/// What else is known of a probe that failed, for people who look for the cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The status code, if a head arrived.
    pub status: Option<u16>,
    /// Whom the probe reached, or tried to reach.
    pub peer: Option<SocketAddr>,
    /// The prober's own port, to find the probe in a packet capture.
    pub local_port: Option<u16>,
    /// The `Server` header.
    pub server: Option<String>,
    /// Who answered, by the header that names it; of a probe without an answer, who had answered the one before it on its
    /// connection.
    pub backend: Option<String>,
    /// At most the first 256 bytes of the body, with `\u{fffd}` for what is not UTF-8.
    pub body: Option<String>,
    /// How long the connection had been open when the probe was sent; zero for a new one.
    pub age: Duration,
    /// How many requests the connection had served before.
    pub uses: u32,
    /// What went wrong, in the words of the layer that noticed.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_and_every_code_reads_back() {
        let all = SPELT.iter().map(|(class, _)| *class).chain([Class::Status(503), Class::Status(999)]);
        for class in all {
            assert_eq!(class.to_string().parse(), Ok(class));
            assert_eq!(Class::from_code(class.code()), Some(class));
        }
        assert_eq!("status".parse::<Class>(), Err(()));
        assert_eq!(Class::from_code(999), None);
    }

    #[test]
    fn a_slot_that_was_not_sent_is_blind_and_never_failed() {
        assert_eq!(Class::NotSent(Unsent::NoPort).health(), Health::Blind);
        assert_eq!(Class::Status(200).health(), Health::Failed);
    }
}
