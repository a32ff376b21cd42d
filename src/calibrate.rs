//! Calibration: injects outages of known truth on loopback and compares them with what is measured.
//!
//! The injecting and the measuring code share nothing but the kernel's clock.

pub(crate) mod judge;
pub(crate) mod loss;
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

/// The time before the first and after the last outage, so that each has successes on both sides.
const MARGIN: Duration = Duration::from_secs(1);
/// The time before each loss: longer than the gate, so that two are not taken for one.
const BEFORE_A_LOSS: Duration = Duration::from_millis(400);

/// The parameters of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calibration {
    /// The seed of the outages; the same seed gives the same ones.
    pub seed: u64,
    /// The number of outages.
    pub outages: usize,
    /// The number of losses, after the outages.
    pub losses: usize,
    /// The longest outage.
    pub longest: Duration,
}

/// Why a calibration has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server that injects outages could not be started.
    #[error("cannot set up the server that is to fail")]
    Server(#[source] std::io::Error),
    /// The server could not open its port again as planned.
    #[error("the server that is to fail could not open its port again: is another program using it?")]
    Strayed(#[source] std::io::Error),
    /// The run could not start.
    #[error(transparent)]
    Run(#[from] launch::Error),
    /// The server's address is not a valid URL.
    #[error("the server that is to fail has the odd address {0:?}")]
    Address(String),
}

impl Calibration {
    fn faults(&self) -> Faults {
        let outages = Faults::random(self.seed, self.outages, Offset::ZERO + MARGIN, self.longest);
        outages.with_losses(self.seed, self.losses, BEFORE_A_LOSS)
    }

    /// The time that the calibration takes.
    pub(crate) fn length(&self) -> Duration {
        self.faults().end().since(Offset::ZERO) + MARGIN
    }

    /// Injects the outages at a server of its own while the run that `plan` makes for its URL goes on, and compares
    /// both.
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
        let shift = |at: Offset| record.about.began.offset_of(clock.began().at(at));
        let truths: Vec<_> = truths.iter().map(|truth| truth.on(shift)).collect();
        let (outages, losses) = truths.split_at(self.outages.min(truths.len()));
        let mut judgement = judge::judge(&record.seen, outages, losses.first().map(|loss| loss.began.0));
        judgement.losses = loss::judge(&record.seen, losses);
        Ok((record, judgement))
    }
}
