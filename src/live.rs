//! The page of a run while it goes on, for a browser on this machine.
//!
//! Follows the run's journal from a thread of its own, and only while somebody looks, so that the run is not disturbed:
//! the file is all that they share. Refuses to answer under a name that somebody else may point here.

mod page;
mod serve;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use self::page::Pages;
use lapse_record::record::Record;
use lapse_report::html::{self, RunState};

/// How long onlookers may take to fetch the final report.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a run cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address cannot be had.
    #[error("cannot serve the run at {address}: choose another address with --live=ADDR:PORT")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system does not give what a server needs.
    #[error("cannot start the server of the live page")]
    Start(#[source] io::Error),
}

/// An address that is ours, before there is anything to serve.
#[derive(Debug)]
pub(crate) struct LiveListener(TcpListener);

/// A run that is being served.
#[derive(Debug)]
pub(crate) struct Live {
    pages: Pages,
}

impl LiveListener {
    /// Takes the address.
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Error> {
        let failed = |source| Error::Address { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self(listener))
    }

    /// Where a browser finds the page.
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

fn run(runtime: &Runtime, listener: TcpListener, pages: Pages, folder: &std::path::Path) {
    runtime.block_on(async {
        // Without a listener nobody asks for pages: the run is what matters, and it goes on.
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        tokio::join!(serve::serve(listener, pages.clone()), page::follow(folder, pages));
    });
}

impl Live {
    /// Shows the final report to whoever looks, and lets them fetch it.
    pub(crate) fn end(self, record: &Record) {
        if let Some(fetched) = self.pages.end(html::page(record, RunState::Over)) {
            // Nobody there any more is as good as everybody served.
            let _ = fetched.recv_timeout(FAREWELL);
        }
    }
}
