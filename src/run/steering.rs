//! What a run is asked for from outside while it goes on: by signals, or by the program that started it.

use std::future::pending;

use rustix::process::Signal;
use tokio::sync::mpsc::UnboundedReceiver;

use super::signal::{self, Signals};
use lapse_measure::time::UnixTime;
use lapse_record::event::EventKind;

/// A request to a run that goes on.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// The end of the run at once, as by this signal; the sentence says who asked. Such a run is interrupted.
    End(Signal, String),
    /// The end of the event: the run settles, and is judged.
    Settle,
    /// An event for the timeline.
    Event {
        /// The kind of event.
        kind: EventKind,
        /// What happened.
        text: String,
        /// When, by the clock of the source; `None` if it does not say.
        source_time: Option<UnixTime>,
    },
}

/// Where a run's requests come from.
#[derive(Debug)]
pub(crate) enum Steering {
    /// The signals that this process gets.
    Signals(Signals),
    /// Another part of this process.
    Requests(UnboundedReceiver<Request>),
}

impl Steering {
    /// The next request for the end of the run; others are passed over, since there is no timeline yet.
    pub(crate) async fn end(&mut self) -> (Signal, String) {
        loop {
            match self.next().await {
                Request::End(signal, why) => return (signal, why),
                Request::Settle => return (Signal::TERM, "stopped before it began".to_owned()),
                Request::Event { .. } => {}
            }
        }
    }

    /// The next request; never completes once no more can come.
    pub(crate) async fn next(&mut self) -> Request {
        match self {
            Self::Signals(signals) => {
                let signal = signals.next().await;
                Request::End(signal, signal::name(signal).to_owned())
            }
            Self::Requests(requests) => match requests.recv().await {
                Some(request) => request,
                None => pending().await,
            },
        }
    }
}
