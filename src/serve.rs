//! Measurements that others ask for over HTTP: a gate for pipelines and for controllers of rollouts.
//!
//! It makes the same runs as `lapse run`, a thread each, and keeps their records. It runs no command, and sends requests
//! to no address that its operator did not name.

pub(crate) mod allow;
mod api;
mod board;
mod flagger;
mod measurement;
mod outcome;
pub(crate) mod refusal;
pub(crate) mod token;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use self::api::Api;
use self::board::Board;
pub(crate) use self::board::Config;
pub(crate) use self::measurement::Planned;
use self::refusal::Refusal;
use self::token::Token;
use crate::follower::bind;
use crate::http_server::accept;
use crate::run::signal::{self, Signals};

/// The most connections at once; further ones wait.
const MOST_CONNECTIONS: usize = 256;
/// The time within which a request has to come, so that idle connections keep no place for ever.
const PATIENCE: Duration = Duration::from_secs(70);
/// The longest time that a request may wait for a verdict.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The time that callers get to receive their last answers.
const FAREWELL: Duration = Duration::from_millis(300);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address cannot be bound.
    #[error("cannot listen at {address}: choose another address with --listen")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Without a token others could ask for measurements.
    #[error(
        "{0} can be reached from other machines: give a token with --token-file FILE or LAPSE_SERVE_TOKEN, or listen at 127.0.0.1"
    )]
    NoToken(SocketAddr),
    /// The signal handlers could not be installed.
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
}

/// A bound address, before measurements can be asked for.
#[derive(Debug)]
pub(crate) struct ServeListener {
    listener: std::net::TcpListener,
    address: SocketAddr,
    token: Option<Token>,
}

impl ServeListener {
    /// Binds the address. Fails where the system refuses it, and where others could ask without a token.
    pub(crate) fn open(address: SocketAddr, token: Option<Token>) -> Result<Self, Error> {
        if token.is_none() && !address.ip().is_loopback() {
            return Err(Error::NoToken(address));
        }
        let failed = |source| Error::Address { address, source };
        let listener = bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, token })
    }

    /// Serves until a signal, and then ends the measurements that go on; a second signal ends them without waiting.
    pub(crate) async fn serve(self, config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), Error> {
        let mut signals = Signals::catch().map_err(Error::Signals)?;
        let failed = |source| Error::Address { address: self.address, source };
        let listener = TcpListener::from_std(self.listener).map_err(failed)?;
        let board = Board::new(config);
        let api = Arc::new(Api { board: Arc::clone(&board), token: self.token });
        let serving = accept(&listener, MOST_CONNECTIONS, |stream| converse(stream, Arc::clone(&api)));
        let ending = async {
            let why = signal::name(signals.next().await);
            tokio::select! {
                () = board.close(why) => {}
                second = signals.next() => {
                    let why = signal::name(second);
                    board.hurry(why);
                    board.close(why).await;
                }
            }
            sleep(FAREWELL).await;
        };
        ready(self.address);
        tokio::select! {
            () = serving => {}
            () = ending => {}
        }
        Ok(())
    }
}

async fn converse(stream: TcpStream, api: Arc<Api>) {
    let service = service_fn(async |request| Ok::<_, Infallible>(api.answer(request).await));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A client that disconnects is no error.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

/// How long a request is to wait for a verdict, as typed.
fn wait(text: &str) -> Result<Duration, Refusal> {
    let wait = humantime::parse_duration(text).ok().filter(|wait| *wait <= LONGEST_WAIT);
    wait.ok_or_else(|| Refusal::invalid("wait: write a time with its unit, 1h at the most, such as 90s"))
}
