//! How a lane comes by its connections.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::task::yield_now;

use super::connect::Connector;
use super::http::HttpConnection;
use super::request::PreparedRequest;
use super::trace::{Failed, Trace};
use lapse_measure::lane::Policy;
use lapse_measure::time::Offset;

/// A lane at work in one thread.
#[derive(Debug)]
pub(super) struct Lane {
    policy: Policy,
    connector: Rc<Connector>,
    request: Rc<PreparedRequest>,
    pool: Pool,
}

/// Keep-alive connections, used in turn so that all backends behind a layer 4 balancer are seen.
#[derive(Debug)]
struct Pool {
    /// Connections that are opened in any case.
    size: usize,
    /// Connections that are kept once they were needed.
    most: usize,
    /// Connections that take turns.
    turns: usize,
    /// Slots a second.
    rate: usize,
    /// Connections that exist, in use or not, or are being opened.
    open: Rc<Cell<usize>>,
    /// As many of those over HTTP/1.1 that are not in use as have their turn.
    idle: RefCell<VecDeque<Rc<Pooled>>>,
    /// The others, for when more are under way at once. To take turns through them all would keep none of them in the
    /// processor's caches.
    spare: RefCell<Vec<Rc<Pooled>>>,
    /// Those over HTTP/2, in use or not.
    shared: RefCell<VecDeque<Rc<Pooled>>>,
}

/// A connection of a pool; over HTTP/2 several probes may have it at once.
#[derive(Debug)]
struct Pooled {
    link: HttpConnection,
    _open: Open,
}

/// Counts a connection for as long as it exists.
#[derive(Debug)]
struct Open(Rc<Cell<usize>>);

impl Lane {
    /// A lane of this many slots a second that keeps `size` connections, if it keeps any, and more if it needs
    /// them: at most what is under way at once if answers take 100 ms. If fewer were kept, a lane that was late
    /// once would open and close connections until it never caught up.
    pub(super) fn new(policy: Policy, to: (Rc<Connector>, Rc<PreparedRequest>), size: usize, rate: usize) -> Self {
        let (size, (connector, request)) = (size.max(1), to);
        let (most, turns) = (size.max(rate / 10), size.max(rate / 200));
        let (open, idle, spare, shared) = Default::default();
        Self { policy, connector, request, pool: Pool { size, most, turns, rate, open, idle, spare, shared } }
    }

    /// How many connections it is to have before its first slot: those that it keeps in any case, and as many as are
    /// under way at once if answers take 20 ms. To open them all with the first slots would make those late.
    pub(super) fn to_warm(&self) -> usize {
        match self.policy {
            Policy::New => 0,
            Policy::Reused => self.pool.size.max(self.pool.rate / 50),
        }
    }

    /// How many connections wait for a request.
    pub(super) fn idle(&self) -> u64 {
        self.pool.idle() as u64
    }

    /// Opens one connection and keeps it. If that fails, a probe will say so.
    pub(super) async fn warm(&self, now: impl Fn() -> Offset) {
        if let Ok(pooled) = self.open(&Trace::new(), now).await {
            self.pool.keep(pooled);
        }
    }

    /// Sends one probe, on a connection as the lane's policy has it. `connected` is called once there is one.
    pub(super) async fn send(
        &self,
        trace: &Trace,
        now: impl Fn() -> Offset,
        connected: impl Fn(),
    ) -> Result<(), Failed> {
        match self.policy {
            Policy::New => {
                trace.sent.set(Some(now()));
                // In a box of its own: connecting, TLS above all, would make each probe's task many times larger.
                let link = Box::pin(self.connector.open(Policy::New, trace, &now)).await?;
                connected();
                link.exchange(&self.request, trace, now()).await
            }
            Policy::Reused => {
                let pooled = match self.pool.take_calm(trace).await {
                    Some(pooled) => pooled,
                    None => self.open(trace, &now).await?,
                };
                connected();
                let began = now();
                trace.sent.set(trace.sent.get().or(Some(began)));
                let mut keeping = WarmUp { pool: &self.pool, pooled, whole: false };
                let result = keeping.pooled.link.exchange(&self.request, trace, began).await;
                keeping.whole = result.as_ref().err().is_none_or(Failed::is_whole);
                result
            }
        }
    }

    /// Adds a connection to the pool.
    async fn open(&self, trace: &Trace, now: impl Fn() -> Offset) -> Result<Rc<Pooled>, Failed> {
        trace.sent.set(Some(now()));
        let open = Open::count(&self.pool.open);
        let link = Box::pin(self.connector.open(Policy::Reused, trace, now)).await?;
        let pooled = Rc::new(Pooled { link, _open: open });
        if pooled.link.is_shared() {
            self.pool.shared.borrow_mut().push_back(Rc::clone(&pooled));
        }
        Ok(pooled)
    }
}

// === impl Pool ===

impl Pool {
    /// As [`take`](Self::take), but of a connection on which something has come unasked, what that is is read first:
    /// over TLS and HTTP/2 it may be housekeeping, or the news that the server has closed it.
    async fn take_calm(&self, trace: &Trace) -> Option<Rc<Pooled>> {
        loop {
            let pooled = self.take(trace)?;
            if !pooled.link.is_restless() {
                return Some(pooled);
            }
            // The runtime looks at its sockets, and whoever waits for this one reads it.
            yield_now().await;
            if pooled.link.is_usable() {
                return Some(pooled);
            }
            if !pooled.link.is_shared() {
                count_reconnect(trace);
            }
        }
    }

    /// A connection that can be used, if there is one and no further one is to be opened.
    fn take(&self, trace: &Trace) -> Option<Rc<Pooled>> {
        self.shared.borrow_mut().retain(|pooled| {
            let usable = pooled.link.is_usable();
            // One that we have given up was not closed by its server.
            if !usable && pooled.link.streams() == 0 && !pooled.link.is_suspect() {
                count_reconnect(trace);
            }
            usable
        });
        if self.open.get() < self.size {
            return None;
        }
        while let Some(pooled) = self.next_idle() {
            if pooled.link.is_usable() {
                return Some(pooled);
            }
            count_reconnect(trace);
        }
        let mut shared = self.shared.borrow_mut();
        let place = shared.iter().position(|pooled| !pooled.link.is_full())?;
        let pooled = shared.remove(place)?;
        shared.push_back(Rc::clone(&pooled));
        Some(pooled)
    }

    fn idle(&self) -> usize {
        self.idle.borrow().len() + self.spare.borrow().len()
    }

    fn next_idle(&self) -> Option<Rc<Pooled>> {
        self.idle.borrow_mut().pop_front().or_else(|| self.spare.borrow_mut().pop())
    }

    /// Takes a connection back whose exchange is over.
    fn keep(&self, pooled: Rc<Pooled>) {
        if pooled.link.is_shared() {
            let mut shared = self.shared.borrow_mut();
            if shared.len() > self.most && pooled.link.streams() == 0 {
                shared.retain(|other| !Rc::ptr_eq(other, &pooled));
            }
            return;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.turns {
            idle.push_back(pooled);
        } else if idle.len() + self.spare.borrow().len() < self.most {
            self.spare.borrow_mut().push(pooled);
        }
    }
}

fn count_reconnect(trace: &Trace) {
    trace.reconnects.set(trace.reconnects.get().saturating_add(1));
}

impl Open {
    fn count(open: &Rc<Cell<usize>>) -> Self {
        open.set(open.get() + 1);
        Self(Rc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A connection during an exchange. It goes back to its pool only if the exchange came to its end, by
/// whatever way this is dropped.
struct WarmUp<'a> {
    pool: &'a Pool,
    pooled: Rc<Pooled>,
    whole: bool,
}

impl Drop for WarmUp<'_> {
    fn drop(&mut self) {
        let Self { pool, pooled, whole } = self;
        if *whole && pooled.link.is_ready() {
            pool.keep(Rc::clone(pooled));
        } else if pooled.link.is_shared() && !*whole {
            pooled.link.suspect();
        }
    }
}
