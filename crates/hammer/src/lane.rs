//! Connection policies: a pool of kept connections, or a new connection for each probe.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::task::yield_now;

use super::addresses::AddressTallies;
use super::concurrency::Concurrency;
use super::connect::Connector;
use super::http::HttpConnection;
use super::redirect::Redirect;
use super::request::PreparedRequest;
use super::template::Turn;
use super::trace::{Failed, Trace};
use lapse_measure::lane::Policy;
use lapse_measure::time::Offset;

/// One thread's share of a lane.
#[derive(Debug)]
pub(super) struct Lane {
    policy: Policy,
    connector: Connector,
    request: PreparedRequest,
    pool: Pool,
    concurrency: Rc<Concurrency>,
}

/// Keep-alive connections, used in turn so that all backends behind a layer 4 balancer are seen.
#[derive(Debug)]
struct Pool {
    /// The connections that are always kept open.
    size: usize,
    /// Tracks how many are needed at once; idle ones beyond that are closed.
    concurrency: Rc<Concurrency>,
    /// The number of connections that exist or are being opened, idle or not.
    open: Rc<Cell<usize>>,
    /// Up to `size` idle HTTP/1.1 connections, in the order of their turns.
    idle: RefCell<VecDeque<Rc<Pooled>>>,
    /// The others, for when more are under way at once. To take turns through them all would keep none of them in the
    /// processor's caches.
    spare: RefCell<Vec<Rc<Pooled>>>,
    /// The HTTP/2 connections, in use or not.
    shared: RefCell<VecDeque<Rc<Pooled>>>,
}

/// A connection of a pool; over HTTP/2 several probes may use it at once.
#[derive(Debug)]
struct Pooled {
    link: HttpConnection,
    _open: Open,
}

/// Counts an open connection until it is dropped.
#[derive(Debug)]
struct Open(Rc<Cell<usize>>);

impl Lane {
    /// A lane that keeps `size` connections, if its policy keeps any, and more only while its punctual slots need them.
    pub(super) fn new(policy: Policy, connector: Connector, request: PreparedRequest, size: usize) -> Self {
        let size = size.max(1);
        let concurrency = Rc::new(Concurrency::new(size));
        let (open, idle, spare, shared) = Default::default();
        let pool = Pool { size, concurrency: Rc::clone(&concurrency), open, idle, spare, shared };
        Self { policy, connector, request, pool, concurrency }
    }

    /// The number of connections to open before the first slot: opening them with the first slots would make those
    /// late.
    pub(super) fn to_warm(&self) -> usize {
        match self.policy {
            Policy::New => 0,
            Policy::Reused => self.pool.size,
        }
    }

    /// The first redirect that the lane met and that counts as healthy, once.
    pub(super) fn take_redirect(&self) -> Option<Redirect> {
        self.request.redirect.take()
    }

    /// What came of each address of the target so far, once.
    pub(super) fn take_addresses(&self) -> AddressTallies {
        self.connector.take_addresses()
    }

    /// The concurrency that the lane may reach.
    pub(super) fn concurrency(&self) -> &Concurrency {
        &self.concurrency
    }

    /// Opens one connection for the pool. A failure is not reported: the probes will meet it.
    pub(super) async fn warm(&self, now: impl Fn() -> Offset) {
        if let Ok(pooled) = self.open(&Trace::new(), &now).await {
            pooled.link.rest(now());
            self.pool.keep(pooled);
        }
    }

    /// Sends the probe of a slot on a connection as the lane's policy demands. Calls `connected` once there is one.
    pub(super) async fn send(
        &self,
        turn: Turn,
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
                link.exchange(&self.request, turn, trace, now()).await
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
                let result = keeping.pooled.link.exchange(&self.request, turn, trace, began).await;
                keeping.whole = result.as_ref().err().is_none_or(Failed::is_whole);
                keeping.pooled.link.rest(now());
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
    /// As [`take`](Self::take), but bytes that came unasked are read first: over TLS and HTTP/2 they may be housekeeping,
    /// or the news that the server has closed the connection.
    async fn take_calm(&self, trace: &Trace) -> Option<Rc<Pooled>> {
        loop {
            let pooled = self.take(trace)?;
            if !pooled.link.is_restless() {
                return Some(pooled);
            }
            // The runtime polls its sockets, and the task that waits for this one reads it.
            yield_now().await;
            if pooled.link.is_usable() {
                return Some(pooled);
            }
            if !pooled.link.is_shared() {
                count_reconnect(trace);
            }
        }
    }

    /// An idle connection that can be used, if there is one.
    fn take(&self, trace: &Trace) -> Option<Rc<Pooled>> {
        self.shared.borrow_mut().retain(|pooled| {
            let usable = pooled.link.is_usable();
            // A connection that the prober gave up was not closed by the server.
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

    fn next_idle(&self) -> Option<Rc<Pooled>> {
        self.idle.borrow_mut().pop_front().or_else(|| self.spare.borrow_mut().pop())
    }

    /// Takes a connection back whose exchange is over, and closes one if there are more than the lane needs: a server
    /// has other clients, and may have no room for as many.
    fn keep(&self, pooled: Rc<Pooled>) {
        let surplus = self.open.get() > self.concurrency.level();
        if pooled.link.is_shared() {
            let mut shared = self.shared.borrow_mut();
            if surplus && shared.len() > self.size && pooled.link.streams() == 0 {
                shared.retain(|other| !Rc::ptr_eq(other, &pooled));
            }
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let mut spare = self.spare.borrow_mut();
        if surplus {
            spare.pop();
        }
        if idle.len() < self.size {
            idle.push_back(pooled);
        } else if self.open.get() <= self.concurrency.level() {
            spare.push(pooled);
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

/// A connection during an exchange. It returns to its pool only if the exchange was complete, however this is dropped.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::{LocalSet, spawn_local};

    use super::*;
    use crate::target::{Http, Target};
    use crate::template::Filling;
    use lapse_measure::lane::LaneId;
    use lapse_measure::probe_id::IdSeed;
    use lapse_measure::time::{Anchor, UnixTime};

    const FILLING: Filling =
        Filling { seed: IdSeed::new(0), anchor: Anchor { date: UnixTime::from_nanos(0), offset: Offset::ZERO } };

    async fn lane(size: usize, http: Http, serve: impl AsyncFn(TcpStream) + Clone + 'static) -> Lane {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serve = serve.clone();
                spawn_local(async move { serve(stream).await });
            }
        });
        let (request, expect, connect_to) = Default::default();
        let (name, resolve) = ("test".to_owned(), Vec::new());
        let (tls, addresses, backend, version) = Default::default();
        let target = Target { name, uri, http, connect_to, resolve, tls, request, expect, addresses, backend, version };
        Lane::new(
            Policy::Reused,
            Connector::new(&target, Duration::from_secs(1)).unwrap(),
            PreparedRequest::new(&target, LaneId(0), FILLING),
            size,
        )
    }

    async fn probe(lane: &Lane, at: Duration) -> (Trace, Result<(), Failed>) {
        let (trace, at) = (Trace::new(), Offset::ZERO + at);
        lane.concurrency().begin(at, true);
        let result = lane.send(Turn { slot: 0, due: at }, &trace, || at, || {}).await;
        lane.concurrency().end();
        (trace, result)
    }

    async fn answer_each(mut stream: TcpStream) {
        let mut buf = [0; 4096];
        while stream.read(&mut buf).await.is_ok_and(|read| read > 0) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_lane_opens_the_connections_it_needs_at_once_and_closes_the_surplus() {
        let test = async {
            let lane = lane(2, Http::Http1, answer_each).await;
            // All begin before an answer is read, so each needs its own connection.
            let at_once: Vec<_> = (0..20).map(|_| Box::pin(probe(&lane, Duration::ZERO))).collect();
            for (_, result) in join(at_once).await {
                result.unwrap();
            }
            assert_eq!(lane.pool.open.get(), 20);
            for second in 1..60 {
                let (trace, result) = probe(&lane, Duration::from_secs(second)).await;
                result.unwrap();
                assert_eq!(trace.connection.get(), lapse_measure::answer::Connection::Reused);
            }
            assert_eq!(lane.pool.open.get(), 2);
        };
        LocalSet::new().run_until(test).await;
    }

    /// An HTTP/2 frame: type, flags, stream and payload.
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// Answers the first `answered` requests of a connection with 200, and the next one with a GOAWAY that names those.
    async fn go_away_after(answered: u32, error: u32, mut stream: TcpStream) {
        const PREFACE: usize = 24;
        let (mut bytes, mut at, mut requests) = (Vec::new(), PREFACE, 0);
        stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
        while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
            while let Some(head) = bytes.get(at..at + 9) {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                let (kind, id) = (head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
                if bytes.len() < at + 9 + length {
                    break;
                }
                at += 9 + length;
                if kind != 1 {
                    continue;
                }
                requests += 1;
                let last = id.saturating_sub(2);
                let reply = if requests <= answered {
                    frame(1, 5, id, &[0x88])
                } else {
                    frame(7, 0, 0, &[last.to_be_bytes(), error.to_be_bytes()].concat())
                };
                stream.write_all(&reply).await.unwrap();
            }
        }
    }

    /// The results of three requests, one after the other.
    async fn three_requests(answered: u32, error: u32) -> [String; 3] {
        let test = async {
            let lane = lane(1, Http::Http2, async move |stream| go_away_after(answered, error, stream).await).await;
            let mut classes = [const { String::new() }; 3];
            for class in &mut classes {
                let (_, result) = probe(&lane, Duration::ZERO).await;
                *class = result.map_or_else(|failed| failed.class.to_string(), |()| "ok".to_owned());
            }
            classes
        };
        LocalSet::new().run_until(test).await
    }

    #[tokio::test]
    async fn a_stream_that_crosses_an_orderly_goaway_is_not_sent_and_any_other_refusal_fails() {
        assert_eq!(three_requests(1, 0).await, ["ok", "not-sent goaway", "ok"]);
        assert_eq!(three_requests(1, 11).await, ["ok", "stream-reset", "ok"], "ENHANCE_YOUR_CALM");
        assert_eq!(three_requests(0, 0).await, ["stream-reset"; 3], "a server that never answers");
    }

    #[tokio::test]
    async fn a_probe_knows_for_how_long_its_connection_was_idle() {
        let test = async {
            let lane = lane(1, Http::Http1, answer_each).await;
            lane.warm(|| Offset::from_millis(100)).await;
            let mut idle = Vec::new();
            for ms in [350, 2_350, 2_400] {
                let (trace, result) = probe(&lane, Duration::from_millis(ms)).await;
                result.unwrap();
                idle.push(trace.idle.get().unwrap().as_millis());
            }
            assert_eq!(idle, [250, 2_000, 50]);
            drop(lane.pool.next_idle());
            let (trace, _) = probe(&lane, Duration::from_secs(3)).await;
            assert_eq!(trace.idle.get(), None, "opened for the probe");
        };
        LocalSet::new().run_until(test).await;
    }

    async fn join<F: Future + Unpin>(mut all: Vec<F>) -> Vec<F::Output> {
        let mut done = Vec::new();
        std::future::poll_fn(|cx| {
            all.retain_mut(|one| match std::pin::Pin::new(one).poll(cx) {
                std::task::Poll::Ready(output) => {
                    done.push(output);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        done
    }
}
