//! All that a probe can see: one closed enum, the record of one probe, and the evidence of a failed one.
//!
//! Grouping is by class, never by message text: texts hold ephemeral ports, which split groups.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::time::Offset;

/// Defines the classes: each with its word, what it counts as, and what it says of the connection. The order is that of
/// reports; a class with a figure stands between the groups.
macro_rules! classes {
    (
        $($(#[doc = $before_doc:literal])+ $before:ident = $before_word:literal: $before_health:ident, $before_origin:ident;)+
        status
        $($(#[doc = $doc:literal])+ $class:ident = $word:literal: $health:ident, $origin:ident;)+
        not-sent
        $($(#[doc = $reason_doc:literal])+ $reason:ident = $reason_word:literal;)+
    ) => {
        /// What became of one slot.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class {
            $($(#[doc = $before_doc])+ $before,)+
            /// A complete response with an unexpected status code.
            Status(u16),
            $($(#[doc = $doc])+ $class,)+
            /// The prober could not send: blind, never downtime.
            NotSent(Unsent),
        }

        /// Why the prober could not send.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Unsent {
            $($(#[doc = $reason_doc])+ $reason,)+
        }

        impl Class {
            /// Every class; of those with a status code one stands for all.
            pub const ALL: &[Self] = &[
                $(Self::$before,)+ $(Self::$class,)+ Self::Status(503), $(Self::NotSent(Unsent::$reason),)+
            ];

            /// What the class counts as.
            pub const fn health(self) -> Health {
                match self {
                    $(Self::$before => Health::$before_health,)+
                    $(Self::$class => Health::$health,)+
                    Self::Status(_) => Health::Failed,
                    Self::NotSent(_) => Health::Blind,
                }
            }

            /// Where the class arose.
            pub const fn origin(self) -> Origin {
                match self {
                    $(Self::$before => Origin::$before_origin,)+
                    $(Self::$class => Origin::$origin,)+
                    Self::Status(_) => Origin::Answer,
                    Self::NotSent(_) => Origin::Prober,
                }
            }

            /// The word for the class, without its status code.
            const fn word(self) -> &'static str {
                match self {
                    $(Self::$before => $before_word,)+
                    $(Self::$class => $word,)+
                    Self::Status(_) => "status",
                    $(Self::NotSent(Unsent::$reason) => concat!("not-sent ", $reason_word),)+
                }
            }
        }
    };
}

classes! {
    /// Expected status, complete body.
    Ok = "ok": Up, Answer;
    /// As `Ok`, but later after its due time than the slow threshold.
    Slow = "slow": Slow, Answer;
    status
    /// The name did not resolve.
    Dns = "dns": Failed, Connection;
    /// Connect was refused (`ECONNREFUSED`).
    Refused = "refused": Failed, Connection;
    /// No route to the host or the network (`EHOSTUNREACH`, `ENETUNREACH`).
    Unreachable = "unreachable": Failed, Connection;
    /// No SYN-ACK in time.
    ConnectTimeout = "connect-timeout": Failed, Connection;
    /// The TLS handshake or the certificate failed.
    Tls = "tls": Failed, Connection;
    /// `ECONNRESET` or `EPIPE` before the first byte of a response.
    Reset = "reset": Failed, Connection;
    /// End of stream before the first byte of a response.
    Closed = "closed": Failed, Connection;
    /// Connected and sent, but no complete head in time.
    ResponseTimeout = "response-timeout": Failed, Connection;
    /// A response began and was cut short by end of stream, reset or timeout.
    Truncated = "truncated": Failed, Connection;
    /// Bytes that are not HTTP.
    Malformed = "malformed": Failed, Connection;
    /// HTTP/2: `RST_STREAM`, or a GOAWAY that refused this stream.
    StreamReset = "stream-reset": Failed, Stream;
    /// The status was fine, the configured body check failed.
    UnexpectedBody = "unexpected-body": Failed, Answer;
    not-sent
    /// No free local port.
    NoPort = "no-port";
    /// No free file descriptor.
    NoDescriptor = "no-descriptor";
    /// As many probes were already in flight as the descriptor limit allows.
    InFlightLimit = "in-flight-limit";
    /// The prober itself did not run when the slot was due.
    Stall = "stall";
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

/// Where a class arose: that says what is left of the connection, and to whom a failure may be attributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In a whole answer: the connection can be used again.
    Answer,
    /// In one stream of a connection whose other streams go on.
    Stream,
    /// In the connection, or on the way to one.
    Connection,
    /// In the prober: nothing was sent.
    Prober,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "status {code}"),
            other => f.pad(other.word()),
        }
    }
}

impl FromStr for Class {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(code) = text.strip_prefix("status ") {
            return code.parse().map(Self::Status).map_err(drop);
        }
        let plain = Self::ALL.iter().filter(|class| !matches!(class, Self::Status(_)));
        plain.copied().find(|class| class.word() == text).ok_or(())
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
    fn every_spelling_reads_back() {
        for class in Class::ALL.iter().copied().chain([Class::Status(0), Class::Status(999)]) {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        for odd in ["status", "status x", "", "OK"] {
            assert_eq!(odd.parse::<Class>(), Err(()), "{odd}");
        }
    }

    #[test]
    fn only_what_the_prober_did_not_send_is_blind() {
        for class in Class::ALL {
            assert_eq!(class.health() == Health::Blind, class.origin() == Origin::Prober, "{class}");
        }
    }

    #[test]
    fn a_slot_that_was_not_sent_is_blind_and_never_failed() {
        assert_eq!(Class::NotSent(Unsent::NoPort).health(), Health::Blind);
        assert_eq!(Class::Status(200).health(), Health::Failed);
    }
}
