//! Is this machine fit to measure on? Outages whose truth is known are inflicted on loopback, and measured.
//!
//! What was inflicted and what was measured are told by code that shares nothing but the kernel's clock.

pub(crate) mod judge;
pub(crate) mod table;

use std::time::Duration;

use self::judge::Judgement;
use crate::progress::Progress;
use crate::run::launch;
use crate::run::plan::Plan;
use lapse_hammer::clock::Clock;
use lapse_lab::fault::{Plan as Faults, Server};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Before the first outage and after the last one, so that each has an answer on both of its sides.
const MARGIN: Duration = Duration::from_secs(1);

/// What to inflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calibration {
    /// The same seed gives the same outages.
    pub seed: u64,
    /// How many.
    pub outages: usize,
    /// The longest of them.
    pub longest: Duration,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is nobody to inflict outages.
    #[error("cannot set up the server that is to fail")]
    Server(#[source] std::io::Error),
    /// It could not go by its plan.
    #[error("the server that is to fail could not open its port again: is another program using it?")]
    Strayed(#[source] std::io::Error),
    /// The run did not begin.
    #[error(transparent)]
    Run(#[from] launch::Error),
    /// The server's address is no URL.
    #[error("the server that is to fail has the odd address {0:?}")]
    Address(String),
}

impl Calibration {
    fn faults(&self) -> Faults {
        Faults::random(self.seed, self.outages, Offset::ZERO + MARGIN, self.longest)
    }

    /// How long it takes.
    pub(crate) fn length(&self) -> Duration {
        self.faults().end().since(Offset::ZERO) + MARGIN
    }

    /// Injects the outages at a server of its own while the run that `plan` makes for its URL goes on, and compares both.
    pub(crate) async fn run(
        &self,
        plan: impl FnOnce(hyper::Uri) -> Plan,
        progress: &mut Progress,
    ) -> Result<(Record, Judgement), Error> {
        // A clock of its own: only the kernel's is common to both sides.
        let clock = Clock::start();
        let server = Server::start(self.faults(), move || clock.now()).await.map_err(Error::Server)?;
        let url = server.url();
        let uri: hyper::Uri = url.parse().map_err(|_| Error::Address(url))?;
        let record = launch::run(plan(uri), progress).await?;
        let truths = server.stop().await.map_err(Error::Strayed)?;
        let shift = |at: Offset| at.shifted(clock.monotonic_ns(), record.about.monotonic_ns);
        let truths: Vec<_> = truths.iter().map(|truth| truth.on(shift)).collect();
        let judgement = judge::judge(&record.lanes, &record.seen, &truths);
        Ok((record, judgement))
    }
}
