//! The server of a replay: its settings, what it tells, and its main loop.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::header::HeaderName;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use lapse_measure::time::Offset;

use crate::control::Control;
use crate::door::Door;
use crate::format::Report;
use crate::ledger::Keys;
use crate::playback::{Playback, Position};
use crate::port::Port;
use crate::script::Script;
use crate::stage::Stage;
use crate::tls::Tls;
use crate::upstream::Upstream;
use crate::weather::Weather;
use crate::{alarm, connection};

/// For how long after a SYN was dropped its client is looked for: it sends the next one a second later.
const LOOK_OUT: Duration = Duration::from_millis(500);

/// What starts a replay. `POST /-/start` always does, at either port, and starts it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The first request.
    FirstRequest,
    /// Only `POST /-/start`.
    Asked,
}

/// The settings of a replay.
#[derive(Debug)]
pub struct Config {
    /// The address to serve at; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The address of the control port, if there is to be one; port 0 picks a free one.
    pub control: Option<SocketAddr>,
    /// TLS, if clients are to use it.
    pub tls: Option<Tls>,
    /// The service that answers while the recorded one was well, instead of the replay.
    pub upstream: Option<Upstream>,
    /// The header that has the key of a request; without one `idempotency-key` and `traceparent` are looked at.
    pub retry_key: Option<HeaderName>,
    /// How long after its end the replay is over for good; `None` if it goes on.
    pub end_after: Option<Duration>,
    /// What starts the replay.
    pub trigger: Trigger,
    /// The part of the run to play, how fast, and how often.
    pub playback: Playback,
}

/// What happens to a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Clients can connect.
    Listening {
        /// The address at which the run is played.
        address: SocketAddr,
        /// The address of the control port.
        control: Option<SocketAddr>,
    },
    /// The replay has begun at this instant of its clock, for the first time or again.
    Started(Offset),
    /// The replay is as it was before its start.
    Reset,
    /// The part of the run has been played; from here on the service is well.
    Over,
    /// The port could not be made to do what was recorded.
    Trouble(String),
}

/// Why a replay cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be used.
    #[error("cannot listen at {address}: choose another address with --listen")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The address of the control port cannot be used.
    #[error("cannot listen at {address}: choose another address with --control")]
    Control {
        /// The address asked for.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
}

/// Serves the replay of `script` until `ended` resolves, the control port asks for its end, or it has ended by itself;
/// `now` is its clock. Returns what clients did in its last play, with no verdict.
pub async fn serve(
    config: Config,
    script: Script,
    now: impl Fn() -> Offset + Send + Sync + 'static,
    news: UnboundedSender<News>,
    ended: impl Future<Output = ()>,
) -> Result<Report, Error> {
    let Config { listen, control, tls, upstream, retry_key, end_after, trigger, playback } = config;
    let port = Port::open(listen).map_err(|source| Error::Listen { address: listen, source })?;
    let control = match control {
        Some(address) => Some(Control::open(address).map_err(|source| Error::Control { address, source })?),
        None => None,
    };
    // By default the kernel may delay a timer by 50 us to save power; a refusal leaves it at that.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let (weather, keys) = (Weather::of(&script, playback.part()), Keys::new(retry_key));
    let (now, end, ledger) = (Box::new(now), Notify::new(), Mutex::default());
    let idle = Arc::default();
    let stage = Stage { script, playback, tls, upstream, trigger, news, now, idle, keys, weather, ledger, end };
    let stage = Arc::new(stage);
    stage.tell(News::Listening { address: port.address(), control: control.as_ref().map(Control::address) });
    let controlled = async {
        match control {
            Some(control) => control.serve(&stage).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = ended => {}
        () = stage.end.notified() => {}
        () = controlled => {}
        () = run(port, &stage) => {}
        () = is_over_for(end_after, &stage) => {}
    }
    Ok(stage.report())
}

/// Waits until the replay has been over for `time`; for ever without one.
async fn is_over_for(time: Option<Duration>, stage: &Stage) {
    let Some(time) = time else { return std::future::pending().await };
    let mut starts = stage.playback.starts();
    loop {
        let left = stage.playback.ends().map(|end| (end + time).since(stage.now()));
        if left == Some(Duration::ZERO) {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(left.unwrap_or(Duration::MAX)) => {}
            Ok(()) = starts.changed() => {}
        }
    }
}

/// Accepts connections and turns the port as the script says; never returns.
async fn run(mut port: Port, stage: &Arc<Stage>) {
    let (mut starts, mut pending) = (stage.playback.starts(), port.pending());
    let (mut swallowed, mut looking, mut told_over) = (None, false, false);
    // The position up to which idle connections were closed.
    let mut last = None;
    let accept = |guest| {
        stage.ledger().connected(stage.now());
        drop(tokio::spawn(connection::serve(Arc::clone(stage), guest)));
    };
    loop {
        let now = stage.now();
        let (door, mut until) = stage.door(now);
        if door == Door::Swallowing {
            swallowed = Some(now);
        }
        let looks = swallowed.is_some_and(|last| now.since(last) < LOOK_OUT);
        if looks {
            until = Some(until.map_or(LOOK_OUT, |until| until.min(LOOK_OUT)));
        }
        if std::mem::replace(&mut looking, looks) != looks {
            port.look_out(looks);
        }
        match port.turn(door) {
            Ok(guests) => guests.into_iter().for_each(accept),
            Err(error) => stage.tell(News::Trouble(format!("the port cannot do as recorded: {error}"))),
        }
        let position = stage.playback.position(now);
        if let Position::At(at) = position {
            // A replay that has begun again is before where it was.
            let from = last.filter(|last| *last <= at).unwrap_or(stage.playback.part().from);
            let next = stage.close_idle(from, at);
            until = next.into_iter().chain(until).min();
            last = Some(at);
        }
        let over = position == Position::Over;
        if over && !std::mem::replace(&mut told_over, over) {
            stage.tell(News::Over);
        }
        told_over = over;
        let mut change = pin!(async {
            match until {
                Some(until) => alarm::sleep(until.max(Duration::from_nanos(1))).await,
                None => std::future::pending().await,
            }
        });
        loop {
            tokio::select! {
                biased;
                () = &mut change => break,
                Ok(()) = starts.changed() => break,
                Ok(()) = pending.changed() => break,
                guest = port.accept() => accept(guest),
            }
        }
    }
}
