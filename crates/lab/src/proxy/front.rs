//! The client side of a proxy: its port, client connections, and reloads.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{PassedOn, Proxy, Upstream};
use crate::scenario::hop::Reloads;
use crate::serve_connection::{self, Order};
use lapse_gate::GatedListener;
use lapse_record::event::EventKind;

/// The maximum size of a request body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// The time from a change of the list until the reload is done.
const RELOAD: Duration = Duration::from_millis(150);

/// A proxy with its open port.
#[derive(Debug)]
pub(crate) struct Front {
    proxy: Arc<Proxy>,
    /// Held so that the port stays bound.
    _gate: GatedListener,
    listener: TcpListener,
    reloads: Reloads,
    /// The order to the connections of the current workers.
    orders: watch::Sender<Order>,
}

impl Front {
    /// Opens the port of a proxy. Fails where the kernel refuses to listen.
    pub(crate) fn open(gate: GatedListener, proxy: Proxy, reloads: Reloads) -> io::Result<Self> {
        let listener = gate.open()?;
        Ok(Self { proxy: Arc::new(proxy), _gate: gate, listener, reloads, orders: watch::Sender::new(Order::GoOn) })
    }

    /// Accepts and serves connections; never returns.
    pub(crate) async fn run(mut self) {
        let (due, mut reload_is_due) = watch::channel(());
        if let (Reloads::OnChange, Upstream::Pods(list)) = (self.reloads, &self.proxy.behind) {
            tokio::spawn(reload_on_change(list.clone(), due));
        }
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        tokio::spawn(converse(Arc::clone(&self.proxy), stream, client, self.orders.subscribe()));
                    }
                    // No descriptor is free, or the client has gone: try again.
                    Err(_) => sleep(Duration::from_millis(5)).await,
                },
                Ok(()) = reload_is_due.changed() => self.reload(),
            }
        }
    }

    /// Replaces the workers: the old ones finish their requests and close idle connections.
    fn reload(&mut self) {
        self.orders.send_replace(Order::EndWhenIdle);
        self.orders = watch::Sender::new(Order::GoOn);
        let name = self.proxy.config.name;
        self.proxy.log.tell(EventKind::HopReloaded, format!("the {name} has reloaded and closes idle connections"));
    }
}

async fn reload_on_change<T>(mut list: watch::Receiver<T>, due: watch::Sender<()>) {
    while list.changed().await.is_ok() {
        sleep(RELOAD).await;
        due.send_replace(());
    }
}

async fn converse(proxy: Arc<Proxy>, stream: TcpStream, client: SocketAddr, orders: watch::Receiver<Order>) {
    let service = service_fn(move |request| answer(Arc::clone(&proxy), request, client));
    serve_connection::serve(stream, service, orders).await;
}

async fn answer(
    proxy: Arc<Proxy>,
    request: Request<Incoming>,
    client: SocketAddr,
) -> Result<Response<PassedOn>, Infallible> {
    proxy.log.visit();
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(proxy.page(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let mut request = Request::from_parts(head, body.to_bytes());
    address_upstream(&mut request);
    let mut response = proxy.pass_on(request, client).await;
    strip(response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

/// Rewrites the request as HTTP/1.1 for the upstream, whichever version the client used.
fn address_upstream(request: &mut Request<Bytes>) {
    if let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
    *request.version_mut() = Version::HTTP_11;
    strip(request.headers_mut());
}

/// Removes the hop-by-hop headers.
fn strip(headers: &mut HeaderMap) {
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
}
