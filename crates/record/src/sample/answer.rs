//! The result of a probe of a sample run.

use std::net::SocketAddr;
use std::time::Duration;

use lapse_measure::answer::Class;

/// The versions that answers of a sample run may name.
pub const VERSIONS: [&str; 3] = ["1", "2", "3"];

/// The result of a probe of a sample run.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The class of the probe.
    pub class: Class,
    /// The round trip: `done - sent`.
    pub trip: Duration,
    /// How long after its due time the probe was sent.
    pub late: Duration,
    /// The address that the probe reached; `None` for no address.
    pub peer: Option<SocketAddr>,
    /// For how long the connection had been idle; `None` if that is not known.
    pub idle: Option<Duration>,
    /// Whether an answer over TLS without a length ended without `close_notify`.
    pub no_close_notify: bool,
    /// The place of the version that the answer names among [`VERSIONS`].
    pub version: Option<u8>,
}

impl Answer {
    /// A result of this class after `micros` microseconds, without a peer.
    pub const fn after(class: Class, micros: u64) -> Self {
        Self {
            class,
            trip: Duration::from_micros(micros),
            late: Duration::ZERO,
            peer: None,
            idle: None,
            no_close_notify: false,
            version: None,
        }
    }

    /// The same result from the server at 10.0.0.`host`.
    #[must_use]
    pub fn from(self, host: u8) -> Self {
        Self { peer: Some(SocketAddr::from(([10, 0, 0, host], 8080))), ..self }
    }

    /// The same result of a probe sent `late` after it was due.
    #[must_use]
    pub fn late(self, late: Duration) -> Self {
        Self { late, ..self }
    }

    /// The same result on a connection that had been idle for `idle`.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle: Some(idle), ..self }
    }

    /// The same result, which names the version of this place among [`VERSIONS`].
    #[must_use]
    pub fn version(self, place: u8) -> Self {
        Self { version: Some(place), ..self }
    }

    /// The same result over TLS, without a length and without `close_notify`.
    #[must_use]
    pub fn without_close_notify(self) -> Self {
        Self { no_close_notify: true, ..self }
    }
}
