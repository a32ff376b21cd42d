//! The result of one probe: its class (a closed enum), its times, and the evidence of a failure.
//!
//! Failures are grouped by class, never by message text: texts contain ephemeral ports, which would split groups.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use super::time::Offset;

/// Defines the classes, each with its word in reports, its health and its origin. Reports list them in this order;
/// `Status`, the only class with a number, comes at `status`.
macro_rules! classes {
    (
        $($(#[doc = $before_doc:literal])+ $before:ident = $before_word:literal: $before_health:ident, $before_origin:ident;)+
        status
        $($(#[doc = $doc:literal])+ $class:ident = $word:literal: $health:ident, $origin:ident;)+
        grpc
        $($(#[doc = $code_doc:literal])+ $code:ident = $code_word:literal;)+
        not-sent
        $($(#[doc = $reason_doc:literal])+ $reason:ident = $reason_word:literal;)+
    ) => {
        /// The result of one slot.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class {
            $($(#[doc = $before_doc])+ $before,)+
            /// A complete response with an unexpected status code.
            Status(u16),
            $($(#[doc = $doc])+ $class,)+
            /// A complete answer to a gRPC call that failed.
            Grpc(GrpcStatus),
            /// Nothing reached the service: the slot is blind and never counts as downtime.
            NotSent(Unsent),
        }

        /// How a gRPC call failed: its status, by the name that all clients of gRPC use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GrpcStatus {
            $($(#[doc = $code_doc])+ $code,)+
        }

        /// Why nothing reached the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Unsent {
            $($(#[doc = $reason_doc])+ $reason,)+
        }

        impl Class {
            /// Every class once; status 503 stands for all status codes.
            pub const ALL: &[Self] = &[
                $(Self::$before,)+ $(Self::$class,)+ Self::Status(503),
                $(Self::Grpc(GrpcStatus::$code),)+ $(Self::NotSent(Unsent::$reason),)+
            ];

            /// Whether the class counts as up, slow, failed or blind.
            pub const fn health(self) -> Health {
                match self {
                    $(Self::$before => Health::$before_health,)+
                    $(Self::$class => Health::$health,)+
                    Self::Status(_) | Self::Grpc(_) => Health::Failed,
                    Self::NotSent(_) => Health::Blind,
                }
            }

            /// The layer in which the class arose.
            pub const fn origin(self) -> Origin {
                match self {
                    $(Self::$before => Origin::$before_origin,)+
                    $(Self::$class => Origin::$origin,)+
                    Self::Status(_) | Self::Grpc(_) => Origin::Answer,
                    Self::NotSent(_) => Origin::Prober,
                }
            }

            /// The word for the class in reports and in report.json, without a status code.
            const fn word(self) -> &'static str {
                match self {
                    $(Self::$before => $before_word,)+
                    $(Self::$class => $word,)+
                    Self::Status(_) => "status",
                    $(Self::Grpc(GrpcStatus::$code) => concat!("grpc ", $code_word),)+
                    $(Self::NotSent(Unsent::$reason) => concat!("not-sent ", $reason_word),)+
                }
            }
        }
    };
}

classes! {
    /// Expected status, complete body.
    Ok = "ok": Up, Answer;
    /// As `Ok`, but complete later after the due time than the slow threshold (`--slow`) allows.
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
    /// Expected status, but a body that `--expect-body` does not match.
    UnexpectedBody = "unexpected-body": Failed, Answer;
    grpc
    /// 1: the call was cancelled.
    Cancelled = "CANCELLED";
    /// 2, an undefined status, or none at all.
    Unknown = "UNKNOWN";
    /// 3: the message is wrong.
    InvalidArgument = "INVALID_ARGUMENT";
    /// 4: the server, or a proxy, gave up waiting.
    DeadlineExceeded = "DEADLINE_EXCEEDED";
    /// 5: what the call asks for does not exist; of a health check, the service.
    NotFound = "NOT_FOUND";
    /// 6: what the call creates exists.
    AlreadyExists = "ALREADY_EXISTS";
    /// 7: the caller may not do this.
    PermissionDenied = "PERMISSION_DENIED";
    /// 8: a quota or a queue is full.
    ResourceExhausted = "RESOURCE_EXHAUSTED";
    /// 9: the system is in no state for the call.
    FailedPrecondition = "FAILED_PRECONDITION";
    /// 10: the call lost against another one.
    Aborted = "ABORTED";
    /// 11: beyond the valid range.
    OutOfRange = "OUT_OF_RANGE";
    /// 12: the server has no such method.
    Unimplemented = "UNIMPLEMENTED";
    /// 13: an invariant of the server, or of gRPC, is broken.
    Internal = "INTERNAL";
    /// 14: the service cannot be reached at this time.
    Unavailable = "UNAVAILABLE";
    /// 15: data were lost.
    DataLoss = "DATA_LOSS";
    /// 16: the caller is not known.
    Unauthenticated = "UNAUTHENTICATED";
    /// The health check succeeded, and its answer is another one than SERVING.
    NotServing = "NOT_SERVING";
    not-sent
    /// No free local port.
    NoPort = "no-port";
    /// No free file descriptor.
    NoDescriptor = "no-descriptor";
    /// As many probes were already in flight as the descriptor limit allows.
    InFlightLimit = "in-flight-limit";
    /// The prober itself did not run when the slot was due.
    Stall = "stall";
    /// More probes were under way than lately, and their number was already rising as fast as the prober lets it.
    Concurrency = "concurrency";
    /// HTTP/2: the server was closing the connection, in order, and did not process the stream (RFC 9113, section 6.8).
    GoAway = "goaway";
}

impl GrpcStatus {
    /// The failure with this number; `None` for 0, a call that succeeded. Undefined numbers are `UNKNOWN`, as for other
    /// clients of gRPC.
    pub const fn of_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => return None,
            1 => Self::Cancelled,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            6 => Self::AlreadyExists,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            10 => Self::Aborted,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            15 => Self::DataLoss,
            16 => Self::Unauthenticated,
            _ => Self::Unknown,
        })
    }
}

/// The effect of a class on outages and totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// The service answered as expected.
    Up,
    /// The service answered as expected, but late.
    Slow,
    /// The service failed the request.
    Failed,
    /// Nothing was sent, so nothing is known of the service.
    Blind,
}

/// The layer in which a class arose. It decides whether the connection can be used again, and whether a failure can be
/// attributed to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A complete response: the connection can be used again.
    Answer,
    /// One HTTP/2 stream: the other streams of the connection go on.
    Stream,
    /// The connection, or the attempt to open one: it cannot be used again.
    Connection,
    /// The prober: nothing reached the service.
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
        let without_code = Self::ALL.iter().filter(|class| !matches!(class, Self::Status(_)));
        without_code.copied().find(|class| class.word() == text).ok_or(())
    }
}

/// Whether a probe opened its connection or took one from the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// Opened for this probe, and counted in its round trip.
    New,
    /// Taken from the keep-alive pool.
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

/// The times and the class of one probe: all that outages and totals are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The slot's number in its lane.
    pub slot: u64,
    /// When the slot was due, by the lane's schedule.
    pub due: Offset,
    /// Just before the first byte was written, or before connect on a new connection. If nothing was sent, when that
    /// was decided.
    pub sent: Offset,
    /// When the response was complete or the failure was seen.
    pub done: Offset,
    /// The result: ok, slow, or how the probe failed.
    pub class: Class,
    /// Whether the prober's timeout ended this probe. Then `done` says nothing about when the request reached the
    /// service.
    pub timed_out: bool,
    /// Whether the probe opened its connection or took one from the pool.
    pub connection: Connection,
    /// Pooled connections that were found closed, and replaced, before this probe was written.
    pub reconnects: u8,
}

/// Details of a failed probe that help to find the cause; no figure is computed from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The status code, if a response head arrived.
    pub status: Option<u16>,
    /// The address that the probe connected to, or tried to; `None` if the name did not resolve.
    pub peer: Option<SocketAddr>,
    /// The local port, by which the probe can be found in a packet capture.
    pub local_port: Option<u16>,
    /// The `Server` header, which tells a proxy's response from the application's.
    pub server: Option<String>,
    /// The backend, by the header that names it (`--backend-header`). If no response came, the backend of the response
    /// before on the same connection.
    pub backend: Option<String>,
    /// The first 256 bytes of the body at most; bytes that are not UTF-8 are replaced by `\u{fffd}`.
    pub body: Option<String>,
    /// How long the connection had been open when the probe was sent; zero for a new one.
    pub age: Duration,
    /// How many requests the connection had served before this one.
    pub uses: u32,
    /// For how long the connection had been idle when the probe was sent: from when its last answer was complete, or
    /// from when it was opened ahead of its first request. `None` if it was opened for this probe, or if another
    /// request was under way on it.
    pub idle: Option<Duration>,
    /// Whether the answer came over TLS without a length, and its connection ended without `close_notify`.
    pub no_close_notify: bool,
    /// The error message of the layer that failed.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_parsed_from_its_word() {
        for class in Class::ALL.iter().copied().chain([Class::Status(0), Class::Status(999)]) {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        for odd in ["status", "status x", "", "OK"] {
            assert_eq!(odd.parse::<Class>(), Err(()), "{odd}");
        }
    }

    #[test]
    fn a_class_is_blind_exactly_if_the_prober_sent_nothing() {
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
