//! Faults of the test server, and the plan that puts them in force.

use std::time::Duration;

/// A fault of a request (or, for `Refuse` and `TlsGarbage`, of a connection).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A complete response with this status.
    Status(u16),
    /// Reads the request, then resets the connection.
    Rst,
    /// Reads the request, then closes without a byte.
    Fin,
    /// Reads the request and never answers.
    Hang,
    /// Holds back every answer until the stretch is over.
    Freeze,
    /// Answers after this delay.
    Slow(Duration),
    /// A head that promises 100 bytes, 50 of them, then a FIN.
    Truncate,
    /// As `Truncate`, with a reset at the end.
    TruncateRst,
    /// Half a head, then a FIN.
    HeadCut,
    /// Bytes that are not HTTP, then a FIN.
    Malformed,
    /// HTTP/1.1: `100 Continue` without end, and never a final response.
    Interim,
    /// Status 200 with another body.
    WrongBody,
    /// The listener is gone and every connection has been reset.
    Refuse,
    /// Answers the `ClientHello` with bytes that are not TLS.
    TlsGarbage,
    /// HTTP/2: `RST_STREAM`.
    RstStream,
    /// HTTP/2: a GOAWAY that refuses this stream.
    GoAwayRefuse,
    /// HTTP/2: a GOAWAY that lets this stream finish.
    GoAwayGraceful,
    /// HTTP/1.1: answers with `connection: close`, and closes.
    ConnectionClose,
    /// Answers, and closes the connection a moment later without notice.
    IdleFin,
}

impl Fault {
    /// The class in which a request with this fault must be reported; `None` if it counts as answered.
    pub(crate) fn class(self) -> Option<String> {
        let class = match self {
            Self::Status(code) => return Some(format!("status {code}")),
            Self::Rst => "reset",
            Self::Fin => "closed",
            Self::Hang => "response-timeout",
            Self::Truncate | Self::TruncateRst | Self::HeadCut => "truncated",
            Self::Malformed | Self::Interim => "malformed",
            Self::WrongBody => "unexpected-body",
            Self::Refuse => "refused",
            Self::TlsGarbage => "tls",
            Self::RstStream | Self::GoAwayRefuse => "stream-reset",
            Self::Freeze | Self::Slow(_) | Self::GoAwayGraceful | Self::ConnectionClose | Self::IdleFin => return None,
        };
        Some(class.to_owned())
    }

    /// The status code that the client receives with this fault, if any.
    pub(crate) fn status(self) -> Option<u16> {
        match self {
            Self::Status(code) => Some(code),
            Self::Truncate | Self::TruncateRst | Self::WrongBody => Some(200),
            _ => None,
        }
    }
}

/// A fault in force for requests read in `[from, to)`, counted from the first connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) fault: Fault,
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

/// The faults of a server's lifetime, in order and without overlap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan(pub(crate) Vec<Stretch>);

impl Plan {
    /// A plan without faults.
    pub(crate) fn healthy() -> Self {
        Self::default()
    }

    /// This plan with one more fault at its end, in force from `from` to `to` milliseconds.
    pub(crate) fn then(mut self, fault: Fault, from: u64, to: u64) -> Self {
        self.push(fault, Duration::from_millis(from), Duration::from_millis(to));
        self
    }

    fn push(&mut self, fault: Fault, from: Duration, to: Duration) {
        assert!(from < to && self.end() <= from, "stretches come in order: {fault:?} {from:?}..{to:?}");
        self.0.push(Stretch { fault, from, to });
    }

    /// The end of the last fault.
    pub(crate) fn end(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |last| last.to)
    }

    /// `count` random faults from 2 s on, 0.5 to 1.2 s apart; their lengths are log-uniform from 1 to 800 ms.
    pub(crate) fn random(seed: u64, count: usize) -> Self {
        const KINDS: [Fault; 9] = [
            Fault::Status(500),
            Fault::Status(503),
            Fault::Rst,
            Fault::Fin,
            Fault::Hang,
            Fault::Truncate,
            Fault::HeadCut,
            Fault::Malformed,
            Fault::Refuse,
        ];
        let mut random = fastrand::Rng::with_seed(seed);
        let mut plan = Self::healthy();
        let mut at = Duration::from_secs(2);
        for _ in 0..count {
            let length = Duration::from_secs_f64(0.001 * 800_f64.powf(random.f64()));
            plan.push(KINDS[random.usize(..KINDS.len())], at, at + length);
            at += length + Duration::from_micros(random.u64(500_000..1_200_000));
        }
        plan
    }
}
