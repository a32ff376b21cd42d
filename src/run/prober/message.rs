//! The messages between a run and its prober elsewhere, as JSON in frames of their own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::order::Order;
use crate::run::check::Checked;
use crate::run::wait_up::Waited;
use lapse_measure::lane::Protocol;
use lapse_measure::time::nanos;

/// A message to the prober.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// What to probe, and how. The first message; the header of the run follows once its answer has come.
    Plan(Order),
    /// What the prober's clock reads.
    Time {
        /// The reading of the clock at home, which comes back with the answer.
        asked_ns: u64,
    },
    /// No slot that is due at this offset or later is to be sent.
    Stop {
        /// The offset.
        at_ns: u64,
    },
    /// The probes under way are to be given up.
    Abandon,
}

/// A message of the prober.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The order cannot be carried out.
    Refused {
        /// The version of the prober.
        version: String,
        /// The reason.
        why: String,
    },
    /// What the targets answered before the run.
    Checked {
        /// Each target, in order.
        targets: Vec<CheckedTarget>,
        /// What came of waiting for them, if the run is to wait.
        waited: Option<WaitedFor>,
    },
    /// Two readings of the prober's clock.
    Time {
        /// The reading at home that came with the question.
        asked_ns: u64,
        /// The clock once the question was read.
        received_ns: u64,
        /// The clock just before this answer was sent.
        answered_ns: u64,
    },
    /// A sentence for the terminal.
    Said {
        /// The sentence.
        text: String,
    },
}

/// What a target answered before the run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckedTarget {
    http2: bool,
    warning: Option<String>,
    redirects: bool,
}

/// What came of waiting for the targets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WaitedFor {
    /// They were up, after so many nanoseconds.
    Up(u64),
    /// They were not, for this reason.
    Down(String),
}

impl From<Checked> for CheckedTarget {
    fn from(Checked { protocol, warning, redirects }: Checked) -> Self {
        Self { http2: protocol == Protocol::Http2, warning, redirects }
    }
}

impl From<CheckedTarget> for Checked {
    fn from(CheckedTarget { http2, warning, redirects }: CheckedTarget) -> Self {
        Self { protocol: if http2 { Protocol::Http2 } else { Protocol::Http1 }, warning, redirects }
    }
}

impl WaitedFor {
    /// The same for a message; `None` for a wait that was ended, which is not answered.
    pub(crate) fn of(waited: &Waited) -> Option<Self> {
        match waited {
            Waited::Up(after) => Some(Self::Up(nanos(*after))),
            Waited::Down(why) => Some(Self::Down(why.clone())),
            Waited::Ended(..) => None,
        }
    }
}

impl From<WaitedFor> for Waited {
    fn from(waited: WaitedFor) -> Self {
        match waited {
            WaitedFor::Up(after) => Self::Up(Duration::from_nanos(after)),
            WaitedFor::Down(why) => Self::Down(why),
        }
    }
}
