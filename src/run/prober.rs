//! What sends the probes of a run: this process, or a prober elsewhere that is told what to send and reports what it saw.

pub(crate) mod elsewhere;
pub(crate) mod here;
pub(crate) mod message;
pub(crate) mod order;
pub(crate) mod serve;
mod transport;

use self::elsewhere::Elsewhere;
use self::here::Here;
use lapse_measure::time::Offset;
use lapse_record::batch::Batch;
use lapse_record::event::{Event, EventKind};

/// What sends the probes.
#[derive(Debug)]
pub(crate) enum Prober {
    /// This process.
    Here(Box<Here>),
    /// A prober elsewhere.
    Elsewhere(Box<Elsewhere>),
    /// Nothing: the run was ended while its prober was made ready.
    Nothing,
}

/// What a prober reports.
#[derive(Debug)]
pub(crate) enum Update {
    /// Results of slots.
    Batch(Batch),
    /// An event that the prober saw.
    Event(Event),
    /// A sentence for the terminal.
    Said(String),
    /// The connection to the prober was lost, for this reason. Nothing follows.
    Lost(String),
}

/// What a prober can say once all slots have resolved.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    /// Notes on the run, each with the kind of its event.
    pub notes: Vec<(EventKind, String)>,
    /// Why the run supports no verdict.
    pub doubts: Vec<String>,
    /// The share of the run in which tasks of the prober's machine waited for a processor.
    pub pressure: Option<f64>,
    /// When a thread that sends probes gave its precedence up.
    pub precedence_until: Option<Offset>,
}

impl Prober {
    /// The next report; `None` once all slots have resolved.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        match self {
            Self::Here(here) => here.next().await,
            Self::Elsewhere(elsewhere) => elsewhere.next().await,
            Self::Nothing => None,
        }
    }

    /// Sends no slot due at `at` or later, as far as none was reported. Probes under way may still resolve. Returns
    /// where the slots end.
    pub(crate) fn stop(&mut self, at: Offset) -> Offset {
        match self {
            Self::Here(here) => {
                here.stop(at);
                at
            }
            Self::Elsewhere(elsewhere) => elsewhere.stop(at),
            Self::Nothing => at,
        }
    }

    /// Gives up the probes that are still under way after a stop.
    pub(crate) fn abandon(&self) {
        match self {
            Self::Here(here) => here.abandon(),
            Self::Elsewhere(elsewhere) => elsewhere.abandon(),
            Self::Nothing => {}
        }
    }

    /// What the prober has to say at the end of the run, which is at `at`.
    pub(crate) async fn close(&mut self, at: Offset) -> Closing {
        match self {
            Self::Here(here) => here.close(at),
            Self::Elsewhere(elsewhere) => elsewhere.close().await,
            Self::Nothing => Closing::default(),
        }
    }
}
