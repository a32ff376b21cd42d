//! A server that injects a plan of outages into the requests it receives.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::thread::Thread;
use super::{Fault, Outage, Plan};
use lapse_gate::GatedListener;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\noutage\n";
const HALF: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot a hundred";
const GARBLED: &[u8] = b"\x16\x03 this is not HTTP\r\n\r\n";
/// The interval at which the server's thread checks that it runs.
const STEP: Duration = Duration::from_millis(1);
/// A longer interval between two checks is a stall; the timer itself is up to a millisecond late.
const STALL: Duration = Duration::from_millis(3);
/// The maximum size of a request's head, in bytes: far more than a prober sends.
const HEAD: usize = 64 << 10;

/// The true start and end of an injected outage. Opening or closing a port takes time, so each is a bracket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// The injected fault.
    pub fault: Fault,
    /// The probability with which a request was affected.
    pub share: f64,
    /// The outage began between these two offsets.
    pub began: (Offset, Offset),
    /// The outage ended between these two offsets.
    pub ended: (Offset, Offset),
}

impl Truth {
    /// The duration for which the outage lasted at least.
    pub fn length(&self) -> Duration {
        self.ended.0.since(self.began.1)
    }

    /// The longest span that the outage may have covered.
    pub fn span(&self) -> Span {
        Span::new(self.began.0, self.ended.1)
    }

    /// The same truth with its offsets converted to another clock by `shift`.
    #[must_use]
    pub fn on(&self, shift: impl Fn(Offset) -> Offset) -> Self {
        let both = |(from, to)| (shift(from), shift(to));
        Self { began: both(self.began), ended: both(self.ended), ..*self }
    }
}

/// The running server, on a thread of its own.
#[derive(Debug)]
pub struct Server {
    post: Arc<Post>,
    thread: Thread,
}

/// The state that the server's tasks share.
struct Post {
    plan: Plan,
    gate: GatedListener,
    now: Box<dyn Fn() -> Offset + Send + Sync>,
    /// Intervals in which the server's thread did not run.
    stalls: Mutex<Vec<Span>>,
    /// For each outage that had closed the port, when it was open again.
    opened: Mutex<Vec<Offset>>,
    broken: Mutex<Option<io::Error>>,
}

// === impl Server ===

impl Server {
    /// Starts the server at a free port of loopback; `now` is the clock of the plan. Fails where the thread or the port
    /// is refused.
    pub async fn start(plan: Plan, now: impl Fn() -> Offset + Send + Sync + 'static) -> io::Result<Self> {
        let (runtime, thread) = Thread::start()?;
        let set_up = async move {
            let gate = GatedListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let listener = gate.open()?;
            let now = Box::new(now);
            let post = Arc::new(Post {
                plan,
                gate,
                now,
                stalls: Mutex::default(),
                opened: Mutex::default(),
                broken: Mutex::default(),
            });
            let (working, watched) = (Arc::clone(&post), Arc::clone(&post));
            tokio::spawn(async move { watched.watch().await });
            tokio::spawn(async move {
                if let Err(error) = working.work(listener).await {
                    lock(&working.broken).get_or_insert(error);
                }
            });
            Ok::<_, io::Error>(post)
        };
        let post = runtime.spawn(set_up).await.map_err(io::Error::other)??;
        Ok(Self { post, thread })
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("http://{}/", self.post.gate.address())
    }

    /// Stops the server and returns the injected outages in order. Fails if the port could not be opened again as
    /// planned.
    pub async fn stop(self) -> io::Result<Vec<Truth>> {
        self.thread.stop().await;
        match lock(&self.post.broken).take() {
            Some(error) => Err(error),
            None => Ok(self.post.truths()),
        }
    }
}

// === impl Post ===

impl Post {
    /// Serves, and closes and opens the port as planned.
    async fn work(self: &Arc<Self>, mut listener: TcpListener) -> io::Result<()> {
        let mut guests = JoinSet::new();
        for outage in self.plan.outages().iter().filter(|outage| outage.fault == Fault::Refuse) {
            tokio::select! {
                ended = self.welcome(&listener, &mut guests) => return ended,
                () = self.sleep_until(outage.from) => {}
            }
            // The timer may be late by more than a short outage lasts. Then the requests read during the outage have
            // been reset, and the port must not refuse those that follow.
            if (self.now)() < outage.to {
                drop(listener);
                self.gate.shut();
                guests.shutdown().await;
                self.sleep_until(outage.to).await;
                listener = self.gate.open()?;
            }
            lock(&self.opened).push((self.now)());
        }
        self.welcome(&listener, &mut guests).await
    }

    /// Accepts one connection and serves it in a task.
    async fn welcome(self: &Arc<Self>, listener: &TcpListener, guests: &mut JoinSet<()>) -> io::Result<()> {
        loop {
            tokio::select! {
                guest = listener.accept() => {
                    let (stream, _) = guest?;
                    let post = Arc::clone(self);
                    guests.spawn(async move {
                        // The prober records how the exchange ended.
                        let _ = post.converse(stream).await;
                    });
                }
                Some(_) = guests.join_next() => {}
            }
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut head = Vec::new();
        loop {
            head.clear();
            while !head.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD {
                    return Ok(());
                }
            }
            match self.plan.at((self.now)()) {
                None => stream.write_all(FINE).await?,
                Some(Fault::Status) => stream.write_all(UNAVAILABLE).await?,
                Some(Fault::Refuse | Fault::Reset) => return stream.set_zero_linger(),
                Some(Fault::Close) => return Ok(()),
                Some(Fault::Truncate) => return stream.write_all(HALF).await,
                Some(Fault::Garble) => return stream.write_all(GARBLED).await,
                Some(Fault::Hang) => {
                    // A task outside `guests`: a hanging request must stay pending when a later outage drops those.
                    tokio::spawn(async move { stream.read_buf(&mut head).await });
                    return Ok(());
                }
            }
        }
    }

    /// Records the intervals in which this thread does not run. A request that arrives in such an interval is read
    /// after it, so of an outage that begins within the interval only the interval is known.
    async fn watch(&self) {
        let mut last = (self.now)();
        loop {
            sleep(STEP).await;
            let now = (self.now)();
            if now.since(last) > STALL {
                lock(&self.stalls).push(Span::new(last, now));
            }
            last = now;
        }
    }

    /// Sleeps until `until`; tokio's timer is up to a millisecond late.
    async fn sleep_until(&self, until: Offset) {
        sleep(until.since((self.now)())).await;
    }

    fn truths(&self) -> Vec<Truth> {
        let stalls = lock(&self.stalls);
        let mut opened = lock(&self.opened).clone().into_iter();
        let truth = |&Outage { fault, share, from, to, .. }: &Outage| {
            // New connections were refused until the port was open again.
            let last = if fault == Fault::Refuse { opened.next().map_or(to, |open| open.max(to)) } else { to };
            let stall = stalls.iter().find(|stall| stall.from <= from && from < stall.to);
            Truth { fault, share, began: (stall.map_or(from, |stall| stall.from), from), ended: (to, last) }
        };
        self.plan.outages().iter().map(truth).collect()
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Locks `mutex`, also after a panic elsewhere: the data stays valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
