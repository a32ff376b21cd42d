//! From a target to a connection that speaks HTTP: resolve, TCP, TLS, each step classified.
//!
//! Nothing is cached between connections: names are resolved each time, so that a change in DNS is seen when a client
//! would see it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;
use tokio_rustls::TlsConnector;

use super::addresses::{AddressTallies, Addresses};
use super::classify;
use super::http::{HttpConnection, Origin};
use super::slowness::Opened;
use super::stream::{Socket, Stream};
use super::target::{AddressList, Http, Target};
use super::trace::{Failed, Stage, Trace};
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::time::Offset;

/// The ALPN name of HTTP/2.
const H2: &[u8] = b"h2";

/// Opens connections to one target.
#[derive(Debug)]
pub(super) struct Connector {
    host: String,
    port: u16,
    http: Http,
    secure: Option<Secure>,
    addresses: Option<AddressList>,
    /// The addresses that a rule of the user gives.
    resolved: Option<Vec<SocketAddr>>,
    /// How long a probe waits for a connection.
    patience: Duration,
    /// What came of each address.
    met: Addresses,
}

struct Secure {
    name: ServerName<'static>,
    connector: TlsConnector,
}

/// A target whose host name is not valid for TLS.
#[derive(Debug, thiserror::Error)]
#[error("{host:?} of the target {target} cannot be the name of a TLS server")]
pub struct BadName {
    /// The target's name.
    target: String,
    /// The host in its URL.
    host: String,
}

impl Connector {
    /// A connector for `target`, whose probes wait for a connection for as long as `patience`.
    pub(super) fn new(target: &Target, patience: Duration) -> Result<Self, BadName> {
        let (host, port) = target.connects_to();
        let bad = |_| BadName { target: target.name.clone(), host: target.host().to_owned() };
        let secure = |mut config: rustls::ClientConfig| {
            // A new connection makes a full handshake each time, as a loop of curl does.
            config.resumption = Resumption::disabled();
            let name = ServerName::try_from(target.host().to_owned()).map_err(bad)?;
            Ok(Secure { name, connector: TlsConnector::from(Arc::new(config)) })
        };
        let secure = target.tls_config().map(secure).transpose()?;
        let (addresses, resolved, met) = (target.addresses.clone(), target.resolved(), Addresses::default());
        Ok(Self { host, port, http: target.http, secure, addresses, resolved, patience, met })
    }

    /// Opens a connection. A connection for a single probe is reset when it is dropped, so that its port is free at
    /// once.
    pub(super) async fn open(
        &self,
        policy: Policy,
        trace: &Trace,
        now: impl Fn() -> Offset,
    ) -> Result<HttpConnection, Failed> {
        trace.stage.set(Stage::Connecting);
        let (addresses, resolved) = (self.resolve(trace).await?, now());
        trace.stage.set(Stage::Connecting);
        let tcp = self.met.connect(&addresses, self.patience, trace, &now).await?;
        // Both fail only on a connection that is already gone, which the request will then report.
        let _ = tcp.set_nodelay(true);
        if policy == Policy::New {
            let _ = set_socket_linger(&tcp, Some(Duration::ZERO));
        }
        let (socket, born) = (Socket::new(tcp), now());
        let (stream, speaks_h2) = self.secure(socket.clone(), trace).await?;
        let secured = if self.secure.is_some() { now() } else { born };
        trace.opened.set(Some(Opened { resolved, connected: born, secured }));
        trace.stage.set(Stage::Waiting);
        let origin = Origin { socket, peer: trace.peer.get(), local_port: trace.local_port.get(), born };
        if speaks_h2 {
            HttpConnection::http2(stream, origin, trace).await
        } else {
            Ok(HttpConnection::http1(stream, origin))
        }
    }

    /// What came of the addresses of the target's name, once; of addresses found elsewhere nothing.
    pub(super) fn take_addresses(&self) -> AddressTallies {
        let tallies = self.met.take();
        if self.addresses.is_none() { tallies } else { AddressTallies::new() }
    }

    /// At least one address.
    async fn resolve(&self, trace: &Trace) -> Result<Vec<SocketAddr>, Failed> {
        if let Some(addresses) = &self.addresses {
            let none = || Failed::new(Class::Dns, format!("{} has no address at this time", self.host));
            return Ok(vec![addresses.next().ok_or_else(none)?]);
        }
        if let Some(resolved) = &self.resolved {
            return Ok(resolved.clone());
        }
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        trace.stage.set(Stage::Resolving);
        let failed = |why: String| Failed::new(Class::Dns, format!("resolving {}: {why}", self.host));
        let found: io::Result<Vec<_>> = lookup_host((self.host.as_str(), self.port)).await.map(Iterator::collect);
        match found {
            Ok(addresses) if addresses.is_empty() => Err(failed("no address".to_owned())),
            Ok(addresses) => Ok(addresses),
            Err(error) if error.raw_os_error().is_some() => Err(classify::connect(&error)),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// The stream, and whether HTTP/2 is spoken on it.
    async fn secure(&self, socket: Socket, trace: &Trace) -> Result<(Stream, bool), Failed> {
        let Some(secure) = &self.secure else {
            return Ok((Stream::Plain(socket), self.http == Http::Http2));
        };
        trace.stage.set(Stage::Securing);
        let connected = secure.connector.connect(secure.name.clone(), socket).await;
        let tls = connected.map_err(|error| classify::handshake(&error))?;
        let chosen = tls.get_ref().1.alpn_protocol();
        let speaks_h2 = chosen == Some(H2) || (chosen.is_none() && self.http == Http::Http2);
        Ok((Stream::Tls(Box::new(tls)), speaks_h2))
    }
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").field("name", &self.name).finish_non_exhaustive()
    }
}
