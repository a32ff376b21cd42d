//! The live page of a run, for a browser on this machine.
//!
//! A thread follows the run's journal, only while a browser waits for a page, so that the run is not disturbed: the
//! file is all that they share. Requests under a host name that others could point here are refused.

mod page;
mod serve;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use self::page::{Page, Pages};
use crate::follower::bind;
use crate::http_server::Answer;
use lapse_record::record::Record;
use lapse_report::html::{self, RunState};

/// The time that browsers get to fetch the final report.
const FAREWELL: Duration = Duration::from_secs(2);

/// The version of the final report of a run that is over: newer than any page of it.
const FINAL: u64 = 1 << 50;

/// Why a run cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address cannot be bound.
    #[error("cannot serve the run at {address}: choose another address with --live=ADDR:PORT")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The server's thread or runtime cannot be started.
    #[error("cannot start the server of the live page")]
    Start(#[source] io::Error),
}

/// A bound address, before there is a run to serve.
#[derive(Debug)]
pub(crate) struct LiveListener(TcpListener);

/// A run that is being served.
#[derive(Debug)]
pub(crate) struct Live {
    pages: Pages,
}

impl LiveListener {
    /// Binds the address. Fails where the system refuses it.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Error> {
        bind(address).map(Self).map_err(|source| Error::Address { address, source })
    }

    /// The URL of the page.
    pub(crate) fn url(&self) -> Result<String, Error> {
        self.0.local_addr().map(|address| format!("http://{address}/")).map_err(Error::Start)
    }

    /// Serves the run whose journal is, or will be, in `folder`.
    pub(crate) fn serve(self, folder: PathBuf) -> Result<Live, Error> {
        let pages = Pages::default();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
        let (listener, to_serve) = (self.0, pages.clone());
        let work = move || run(&runtime, listener, to_serve, &folder);
        thread::Builder::new().name("live".to_owned()).spawn(work).map_err(Error::Start)?;
        Ok(Live { pages })
    }
}

fn run(runtime: &Runtime, listener: TcpListener, pages: Pages, folder: &Path) {
    runtime.block_on(async {
        // Without a listener there is no page, but the run goes on.
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        tokio::join!(serve::serve(listener, pages.clone()), page::follow(folder, pages));
    });
}

impl Live {
    /// Publishes the final report, and waits until the open browsers have fetched it, for two seconds at most.
    pub(crate) fn end(self, record: &Record) {
        if let Some(fetched) = self.pages.end(html::page(record, RunState::Over)) {
            // A timeout means that the browsers have gone: nothing to do.
            let _ = fetched.recv_timeout(FAREWELL);
        }
    }
}

/// A live page of a run that another server serves, below a path of its own.
#[derive(Clone, Debug)]
pub(crate) struct SharedPage(Pages);

impl SharedPage {
    /// Follows the run whose journal is, or will be, in `folder`. Fails if no thread can be started.
    pub(crate) fn follow(folder: PathBuf) -> io::Result<Self> {
        let pages = Pages::default();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let followed = pages.clone();
        let work = move || runtime.block_on(page::follow(&folder, followed));
        thread::Builder::new().name("live".to_owned()).spawn(work)?;
        Ok(Self(pages))
    }

    /// The answer for a path below that of the page; it may take as long as a new page does.
    pub(crate) async fn answer(&self, path: &str, query: Option<&str>) -> Answer {
        serve::answer_from(&self.0, path, query).await.0
    }

    /// Publishes the final report to browsers that wait, and ends the thread that followed the run.
    pub(crate) fn end(self, report: String) {
        // Those that wait have what they need to fetch it.
        drop(self.0.end(report));
    }

    /// The answer with the final report of a run that is over.
    pub(crate) fn of_the_end(report: Vec<u8>) -> Answer {
        serve::page_answer(Page { version: FINAL, html: report.into(), is_final: true })
    }
}
