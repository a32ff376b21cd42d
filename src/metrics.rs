//! The metrics of a run while it goes on: served to Prometheus, and sent to a receiver of OTLP.
//!
//! As for the live page, a thread of its own follows the run's journal, only when metrics are asked for or due, so that
//! the run is not disturbed: the file is all that they share. What cannot be sent is said once, at the end, and fails no
//! run.

mod destination;
mod exporter;
mod scrape;
mod source;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub(crate) use self::destination::Destination;
use self::destination::SpanContext;
use self::exporter::{Exporter, Final};
use self::scrape::Scrapes;
use self::source::Source;
use crate::follower::bind;
use crate::run::signal::Signals;
use lapse_record::record::Record;
use lapse_report::html::RunState;
use lapse_report::metrics::{self, Ids, Metrics};

/// Why metrics cannot be given out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address cannot be bound.
    #[error("cannot serve metrics at {address}: choose another address with --metrics ADDR:PORT")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The thread or its runtime cannot be started.
    #[error("cannot start the thread that gives metrics out")]
    Start(#[source] io::Error),
}

/// A bound address for Prometheus, before there is a run to tell of.
#[derive(Debug)]
pub(crate) struct ScrapeListener {
    listener: TcpListener,
    address: SocketAddr,
    seen: Scrapes,
}

impl ScrapeListener {
    /// Binds the address. Fails where the system refuses it.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Error> {
        let failed = |source| Error::Address { address, source };
        let listener = bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, seen: Scrapes::default() })
    }

    /// The same address, for one run.
    fn another(&self) -> Result<Self, Error> {
        let listener = self.listener.try_clone().map_err(Error::Start)?;
        Ok(Self { listener, address: self.address, seen: self.seen.of_next_run() })
    }
}

/// A run whose metrics are given out.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The folder in which its journal is, or will be.
    pub(crate) folder: PathBuf,
    /// The request methods of its targets.
    pub(crate) methods: Vec<String>,
    /// The number of the trial that it is; `None` if it stands alone.
    pub(crate) trial: Option<u16>,
}

impl Subject {
    /// A name that no other run has: that of its folder, of a trial with the folder of all trials before it.
    fn instance(&self) -> String {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let home = self.trial.and(self.folder.parent()).and_then(name);
        home.into_iter().chain(name(&self.folder)).collect::<Vec<_>>().join("/")
    }

    /// The metrics of its record so far.
    fn metrics(&self, record: &Record, state: RunState) -> Metrics {
        let metrics = Metrics::of(record, state, &self.methods);
        match self.trial {
            Some(number) => metrics.of_trial(number),
            None => metrics,
        }
    }
}

/// Where the metrics of a run go; nowhere by default.
#[derive(Debug, Default)]
pub(crate) struct Outlets {
    /// The address that Prometheus scrapes.
    pub(crate) scrapes: Option<ScrapeListener>,
    /// The longest time to wait at the end for one more scrape, of the final values.
    pub(crate) scrape_wait: Duration,
    /// The receiver of OTLP.
    pub(crate) otlp: Option<Destination>,
}

impl Outlets {
    /// A sentence for each outlet, which says where it is.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let scrapes = self.scrapes.as_ref().map(|to| format!("metrics are served at http://{}/metrics", to.address));
        scrapes.into_iter().chain(self.otlp.as_ref().and_then(Destination::sentence)).collect()
    }

    /// Starts to give out the metrics of a run; `None` if there is no outlet. Of several runs one after the other, each
    /// has to be over before the next one is started.
    pub(crate) fn start(&self, subject: Subject) -> Result<Option<MetricsThread>, Error> {
        if self.scrapes.is_none() && self.otlp.is_none() {
            return Ok(None);
        }
        let otlp = self.otlp.clone().map(|destination| destination.of_run(subject.instance()));
        let spans = otlp.clone().filter(|destination| destination.traces.is_some());
        let scrapes = self.scrapes.as_ref().map(ScrapeListener::another).transpose()?;
        let source = Source::of(subject.clone());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
        let ((end, ended), (tell, over)) = (oneshot::channel(), oneshot::channel());
        let wait = self.scrape_wait;
        let work = move || {
            let complaints = work(&runtime, &source, Work { scrapes, wait, otlp }, ended);
            // The run no longer waits where a signal came.
            let _ = tell.send(complaints);
        };
        thread::Builder::new().name("metrics".to_owned()).spawn(work).map_err(Error::Start)?;
        Ok(Some(MetricsThread { end, over, subject, spans }))
    }
}

/// What the thread has to do.
struct Work {
    scrapes: Option<ScrapeListener>,
    wait: Duration,
    otlp: Option<Destination>,
}

/// Gives metrics out until the final ones have been; returns what could not be sent.
fn work(runtime: &Runtime, source: &Source, work: Work, mut ended: oneshot::Receiver<Final>) -> Vec<String> {
    runtime.block_on(async {
        let seen = work.scrapes.as_ref().map(|to| to.seen.clone()).unwrap_or_default();
        if let Some(to) = work.scrapes {
            tokio::spawn(scrape::serve(to.listener, to.address, source.clone(), to.seen));
        }
        let mut exporter = work.otlp.map(Exporter::new);
        let last = loop {
            let export = async {
                match &mut exporter {
                    Some(exporter) => exporter.export_when_due(source).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                last = &mut ended => break last,
                () = export => {}
            }
        };
        // A run that could not begin has no final metrics.
        let Ok(last) = last else { return Vec::new() };
        source.end(last.metrics.clone());
        let flush = async {
            match &mut exporter {
                Some(exporter) => exporter.flush(&last).await,
                None => Vec::new(),
            }
        };
        let scraped = async {
            // Where nothing has scraped the run, or a trial before it, nothing will.
            if seen.were_any() {
                let _ = timeout(work.wait, seen.of_final_values()).await;
            }
        };
        tokio::join!(flush, scraped).0
    })
}

/// A thread that gives out the metrics of a run.
#[derive(Debug)]
pub(crate) struct MetricsThread {
    end: oneshot::Sender<Final>,
    over: oneshot::Receiver<Vec<String>>,
    subject: Subject,
    /// Where spans go; `None` if they go nowhere.
    spans: Option<Destination>,
}

impl MetricsThread {
    /// Gives out the final metrics, and the spans, and waits until they have been sent or scraped, for a bounded time or
    /// until a signal. Returns a sentence for each thing that could not be sent.
    pub(crate) fn end(self, record: &Record) -> Vec<String> {
        let metrics = self.subject.metrics(record, RunState::Over);
        let spans = self.spans.map(|destination| spans(record, self.subject.trial, &destination));
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return Vec::new() };
        if self.end.send(Final { metrics: metrics.into(), spans }).is_err() {
            return vec!["the metrics of the end of the run could not be given out: their thread has ended".to_owned()];
        }
        runtime.block_on(async {
            let Ok(mut signals) = Signals::catch() else { return Vec::new() };
            tokio::select! {
                complaints = self.over => complaints.unwrap_or_default(),
                _ = signals.next() => Vec::new(),
            }
        })
    }
}

/// The request that exports the spans of `record`, which is the trial of this number if it is one.
fn spans(record: &Record, trial: Option<u16>, destination: &Destination) -> Value {
    let mut random = fastrand::Rng::new();
    let (trace, parent) = match destination.parent {
        Some(SpanContext { trace, span }) => (trace, Some(span)),
        None => (random.u128(1..), None),
    };
    metrics::spans(record, trial, &destination.resource, Ids { trace, parent, seed: random.u64(..) })
}
