//! Serves one client connection, HTTP/1.1 or HTTP/2 by what the client sends first, until it is ordered to end.
//!
//! A connection that is cut is dropped as the kernel drops those of a dead process: the client gets an end of file, or
//! a reset where bytes were unread.

use std::pin::{Pin, pin};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The time for which an idle HTTP/1.1 client may send one more request, whose answer asks it to reconnect.
const IDLE_GRACE: Duration = Duration::from_secs(1);
/// The first bytes of an HTTP/2 client.
const PREFACE: &[u8; 3] = b"PRI";

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Io = TokioIo<TcpStream>;

/// An order to a connection, from mild to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Serve on.
    GoOn,
    /// Close with the next answer, which announces it.
    EndSoon,
    /// Close as soon as no request is open.
    EndWhenIdle,
    /// Drop the connection at once.
    Die,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed the connection, or it was closed in good order.
    Over,
    /// The connection was dropped by [`Order::Die`].
    Cut,
}

/// Serves `stream` with `service` until the connection ends or an order in `orders` ends it.
pub(super) async fn serve<S, B, P>(stream: TcpStream, service: S, mut orders: watch::Receiver<P>) -> End
where
    S: HttpService<Incoming, ResBody = B> + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    P: Copy + Into<Order>,
{
    let _ = stream.set_nodelay(true);
    let http2 = tokio::select! {
        speaks = speaks_http2(&stream) => speaks,
        () = ordered(&mut orders, Order::Die) => return End::Cut,
    };
    let io = TokioIo::new(stream);
    if http2 {
        drive(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service), orders).await
    } else {
        drive(http1::Builder::new().serve_connection(io, service), orders).await
    }
}

async fn speaks_http2(stream: &TcpStream) -> bool {
    let mut start = [0; PREFACE.len()];
    matches!(stream.peek(&mut start).await, Ok(seen) if seen > 0 && start[..seen] == PREFACE[..seen])
}

async fn drive<E: Ending, P: Copy + Into<Order>>(connection: E, mut orders: watch::Receiver<P>) -> End {
    let mut connection = pin!(connection);
    let mut last_orders = orders.clone();
    let mut die = pin!(ordered(&mut last_orders, Order::Die));
    tokio::select! {
        biased;
        () = &mut die => return End::Cut,
        _ = &mut connection => return End::Over,
        () = told_to_end(&mut orders, E::IDLE_GRACE) => {}
    }
    connection.as_mut().wind_up();
    tokio::select! {
        biased;
        () = die => End::Cut,
        _ = connection => End::Over,
    }
}

async fn told_to_end<P: Copy + Into<Order>>(orders: &mut watch::Receiver<P>, patience: Duration) {
    ordered(orders, Order::EndSoon).await;
    let _ = tokio::time::timeout(patience, ordered(orders, Order::EndWhenIdle)).await;
}

/// Waits for `order` or a stricter one; for ever once the sender of orders is gone.
async fn ordered<P: Copy + Into<Order>>(orders: &mut watch::Receiver<P>, order: Order) {
    if orders.wait_for(|given| (*given).into() >= order).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A connection that supports a graceful shutdown.
trait Ending: Future<Output = hyper::Result<()>> {
    /// The time for which the connection may stay idle after [`Order::EndSoon`].
    const IDLE_GRACE: Duration;

    /// Starts the graceful shutdown.
    fn wind_up(self: Pin<&mut Self>);
}

impl<S, B> Ending for http1::Connection<Io, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    const IDLE_GRACE: Duration = IDLE_GRACE;

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// HTTP/2 needs no patience: a GOAWAY announces the end at once and says which requests will still be answered.
impl<S, B> Ending for http2::Connection<Io, S, TokioExecutor>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    const IDLE_GRACE: Duration = Duration::ZERO;

    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
