//! Holds long-lived streams open beside the probes, on a thread of its own, and reports each when it ends.
//!
//! It shares nothing with the threads that send probes but the ways to connect and to read an answer.

mod messages;
mod place;

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderValue};
use hyper::{Method, Uri};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::place::{Place, Service};
use super::clock::Clock;
use super::connect::{BadName, Connector};
use super::engine::raise_descriptors;
use super::request::PreparedRequest;
use super::target::{Http, Request, Target};
use super::template::Filling;
use lapse_measure::held::{Arrival, Stream};
use lapse_measure::lane::{LaneId, TargetId};
use lapse_measure::time::Offset;

/// The longest time between two looks at all streams, while the machine lets the thread run. It bounds the error of each
/// instant, since what is read at a look has come since the look before.
const LOOK: Duration = Duration::from_millis(2);
/// The readiness events beyond one for each stream that one look takes.
const SPARE_EVENTS: usize = 64;

/// What to hold.
#[derive(Clone, Debug)]
pub struct HeldSettings {
    /// The targets, by [`TargetId`].
    pub targets: Vec<Target>,
    /// The streams of each target.
    pub places: u16,
    /// The path to ask for instead of that of the target's URL, with its query.
    pub path: Option<String>,
    /// How long to wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// How long to wait for the head of an answer.
    pub timeout: Duration,
    /// What placeholders in headers are computed from.
    pub filling: Filling,
}

/// Why streams cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A target's host name is not valid.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The path cannot be one of a URL.
    #[error("{0:?} is no path of a URL for held streams: write it as in /events")]
    Path(String),
    /// The system refused a resource that the thread needs.
    #[error("cannot start the thread that holds streams")]
    Thread(#[source] io::Error),
}

/// Streams that are being held. Dropping it ends them.
#[derive(Debug)]
pub struct HeldStreams {
    ended: UnboundedReceiver<(TargetId, Stream)>,
    stop: watch::Sender<Offset>,
}

/// Starts to hold streams. `clock` may not have begun yet; the first are asked for once it has.
pub fn start(settings: HeldSettings, clock: Clock) -> Result<HeldStreams, Error> {
    let HeldSettings { targets, places, path, connect_timeout, timeout, filling } = settings;
    let targets: Vec<_> =
        targets.into_iter().map(|target| for_streams(target, path.as_deref())).collect::<Result<_, _>>()?;
    for target in &targets {
        Connector::new(target, connect_timeout)?;
    }
    raise_descriptors();
    let (tell, ended) = unbounded_channel();
    let (stop, stopping) = watch::channel(Offset::from_nanos(u64::MAX));
    let events = targets.len() * usize::from(places) + SPARE_EVENTS;
    let looks = Arc::new(Looks { clock, before: AtomicU64::new(0), last: AtomicU64::new(0) });
    let hold = move || -> io::Result<()> {
        let seen = Arc::clone(&looks);
        let mut builder = Builder::new_current_thread();
        builder.enable_all().max_io_events_per_tick(events).on_thread_park(move || seen.look());
        let runtime = builder.build_local(LocalOptions::default())?;
        runtime.block_on(async {
            let service = |(nth, target): (usize, &Target)| {
                let connector = Connector::new(target, connect_timeout).map_err(io::Error::other)?;
                // Placeholders of headers are filled in as on a lane behind those of the probes.
                let request = PreparedRequest::new(target, LaneId(usize::MAX), filling);
                let id = TargetId(nth);
                Ok(Rc::new(Service { id, connector, request, connect_timeout, timeout, looks: Arc::clone(&looks) }))
            };
            let services = targets.iter().enumerate().map(service).collect::<io::Result<Vec<_>>>()?;
            hold_all(&services, places, &looks, stopping, &tell).await;
            Ok(())
        })
    };
    let work = move || {
        // A failure to start closes the channel: no stream is reported, and the report says so.
        drop(hold());
    };
    thread::Builder::new().name("held".to_owned()).spawn(work).map_err(Error::Thread)?;
    Ok(HeldStreams { ended, stop })
}

impl HeldStreams {
    /// The next stream that ended, in any place; `None` once all are reported after [`stop`](Self::stop).
    pub async fn next(&mut self) -> Option<(TargetId, Stream)> {
        self.ended.recv().await
    }

    /// Ends all streams at `at`, or now if that has passed. The earliest end applies.
    pub fn stop(&self, at: Offset) {
        self.stop.send_modify(|end| *end = at.min(*end));
    }
}

/// Holds streams until it is to stop, then reports those that live.
async fn hold_all(
    services: &[Rc<Service>],
    places: u16,
    looks: &Arc<Looks>,
    mut stopping: watch::Receiver<Offset>,
    tell: &UnboundedSender<(TargetId, Stream)>,
) {
    sleep(looks.clock.until(Offset::ZERO)).await;
    let all: Vec<_> = services
        .iter()
        .flat_map(|service| (0..u32::from(places)).map(|number| Rc::new(Place::new(Rc::clone(service), number))))
        .collect();
    let tasks: Vec<_> = all.iter().map(|place| spawn_local(Rc::clone(place).keep(tell.clone()))).collect();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let end = *stopping.borrow_and_update();
        if looks.clock.now() >= end {
            break;
        }
        tokio::select! {
            changed = stopping.changed() => if changed.is_err() { break },
            _ = ticks.tick() => {}
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let end = (*stopping.borrow()).min(looks.clock.now());
    for place in &all {
        // The session may be gone, and with it all interest.
        let _ = tell.send(place.cut_off(end));
    }
}

/// When the thread last began to look at its streams, and when the time before: it asks the kernel what there is to read
/// after it has noted that.
#[derive(Debug)]
struct Looks {
    clock: Clock,
    before: AtomicU64,
    last: AtomicU64,
}

impl Looks {
    /// The kernel is about to be asked what there is to read.
    fn look(&self) {
        let last = self.last.swap(self.clock.now().as_nanos(), Ordering::Relaxed);
        self.before.store(last, Ordering::Relaxed);
    }

    /// The arrival of what has just been read: the look before the last one ended without it.
    fn arrival(&self) -> Arrival {
        Arrival { after: Offset::from_nanos(self.before.load(Ordering::Relaxed)), read: self.clock.now() }
    }
}

/// The target as streams are asked of it: a GET over HTTP/1.1, as a browser's `EventSource` sends it.
fn for_streams(mut target: Target, path: Option<&str>) -> Result<Target, Error> {
    target.http = Http::Http1;
    let mut headers = target.request.headers;
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream, */*"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    target.request = Request { method: Method::GET, headers, fresh: target.request.fresh, ..Request::default() };
    if let Some(path) = path {
        let bad = || Error::Path(path.to_owned());
        let mut parts = target.uri.into_parts();
        parts.path_and_query = Some(path.parse().map_err(|_| bad())?);
        target.uri = Uri::from_parts(parts).map_err(|_| bad())?;
    }
    Ok(target)
}
