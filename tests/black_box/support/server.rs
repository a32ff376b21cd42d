//! A server that fails on schedule and keeps a ledger of the truth.
//!
//! It uses blocking sockets and one thread a connection, so that operations reach the wire in the order of the code.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::fault::{Fault, Plan};
use super::ledger::{Ledger, Request, Truth};
use super::report::Report;
use super::wire::Wire;
use super::{clock, http1, http2, listener};

/// The server's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
    Https1,
    Https2,
    /// HTTP/1.1 over TLS, for clients that present the server's own certificate.
    Mutual,
}

impl Protocol {
    pub(crate) const fn is_tls(self) -> bool {
        matches!(self, Self::Https1 | Self::Https2 | Self::Mutual)
    }

    pub(crate) const fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Https2)
    }
}

/// The decision about one request: its fault, if any, with the stretch that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) fault: Option<Fault>,
    place: usize,
    ends: u64,
}

impl Decision {
    /// Waits until the request may be answered (`Freeze`, `Slow`).
    pub(crate) fn wait(&self) {
        match self.fault {
            Some(Fault::Freeze) => clock::sleep_until(self.ends),
            Some(Fault::Slow(delay)) => std::thread::sleep(delay),
            _ => {}
        }
    }
}

/// The state that the server's threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    protocol: Protocol,
    tls: Option<Arc<ServerConfig>>,
    ledger: Mutex<Ledger>,
    connections: Mutex<HashMap<u64, TcpStream>>,
    /// The number of connections that are not closed yet.
    open: AtomicUsize,
    stopped: AtomicBool,
}

impl Shared {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Decides about the request that was just read, and enters it in the ledger; `uses` is the number of
    /// earlier requests on the connection.
    pub(crate) fn decide(&self, uses: u32) -> Decision {
        let mut ledger = self.ledger();
        let at = clock::now();
        let decision = self.in_force(ledger.start.unwrap_or(at), at);
        let hit = decision.fault.map(|fault| (decision.place, fault));
        ledger.requests.push(Request { at, uses, hit, late: false });
        decision
    }

    /// Enters a request in the ledger that arrived on a connection already at its end.
    pub(crate) fn enter_unanswered(&self, decision: &Decision, fate: Fault, uses: u32) {
        let mut ledger = self.ledger();
        ledger.requests.push(Request { at: clock::now(), uses, hit: Some((decision.place, fate)), late: true });
    }

    /// The plan's decision at `at`. The listener handles `Refuse`, and the handshake `TlsGarbage`.
    fn in_force(&self, start: u64, at: u64) -> Decision {
        let after = Duration::from_nanos(at.saturating_sub(start));
        let mut stretches = self.plan.0.iter().enumerate();
        let of_requests = |fault| !matches!(fault, Fault::Refuse | Fault::TlsGarbage);
        let found =
            stretches.find(|(_, stretch)| of_requests(stretch.fault) && (stretch.from..stretch.to).contains(&after));
        let (place, stretch) = found.unzip();
        let ends = stretch.map_or(0, |stretch| start + u64::try_from(stretch.to.as_nanos()).unwrap());
        Decision { fault: stretch.map(|stretch| stretch.fault), place: place.unwrap_or(0), ends }
    }

    /// Whether the handshake that begins now must fail; if so it is entered in the ledger.
    fn spoils_handshake(&self) -> bool {
        let mut ledger = self.ledger();
        let at = clock::now();
        let after = Duration::from_nanos(at.saturating_sub(ledger.start.unwrap_or(at)));
        let spoilt = |(_, stretch): &(usize, &super::fault::Stretch)| {
            stretch.fault == Fault::TlsGarbage && (stretch.from..stretch.to).contains(&after)
        };
        let place = self.plan.0.iter().enumerate().find(spoilt).map(|(place, _)| place);
        if let Some(place) = place {
            ledger.requests.push(Request { at, uses: 0, hit: Some((place, Fault::TlsGarbage)), late: false });
        }
        place.is_some()
    }

    /// Serves a new connection on a thread of its own.
    pub(crate) fn accept(self: &Arc<Self>, id: u64, tcp: TcpStream) {
        let (Ok(()), Ok(handle)) = (tcp.set_nonblocking(false), tcp.try_clone()) else { return };
        self.connections.lock().unwrap().insert(id, handle);
        self.open.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(self);
        let serve = move || {
            let wire = shared.serve(tcp);
            shared.connections.lock().unwrap().remove(&id);
            drop(wire);
            shared.open.fetch_sub(1, Ordering::SeqCst);
        };
        std::thread::Builder::new().stack_size(256 << 10).spawn(serve).expect("a thread for the connection");
    }

    /// Serves a connection to its end and returns it, because dropping the last handle sends the reset.
    fn serve(&self, tcp: TcpStream) -> io::Result<Wire> {
        let mut wire = Wire::new(tcp, self.tls.as_ref())?;
        if wire.is_tls() && wire.wait() && self.spoils_handshake() {
            wire.write_raw(b"this is not TLS\r\n")?;
            wire.finish()?;
            while wire.wait() && io::Read::read(&mut wire, &mut [0; 1024]).is_ok() {}
            return Ok(wire);
        }
        let served =
            if self.protocol.is_http2() { http2::serve(&mut wire, self) } else { http1::serve(&mut wire, self) };
        // An error means that the client closed the connection, which the ledger does not record.
        drop(served);
        Ok(wire)
    }

    /// Resets every connection, and returns when the last one is closed.
    pub(crate) fn reset_all(&self) {
        for (_, handle) in self.connections.lock().unwrap().iter() {
            let _ = rustix::net::sockopt::set_socket_linger(handle, Some(Duration::ZERO));
            let _ = handle.shutdown(Shutdown::Read);
        }
        while self.open.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

/// A running server, which stops when this handle is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    certificate: Option<tempfile::NamedTempFile>,
    shared: Arc<Shared>,
}

impl Server {
    /// Starts a server on a loopback address of its own. The plan starts with the first connection.
    pub(crate) fn start(protocol: Protocol, plan: Plan) -> Self {
        let listener = listener::bind();
        let address = listener.local_addr().unwrap();
        let (certificate, tls) = protocol.is_tls().then(|| credentials(address, protocol)).unzip();
        let shared = Arc::new(Shared {
            plan,
            protocol,
            tls,
            ledger: Mutex::default(),
            connections: Mutex::default(),
            open: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let listening = Arc::clone(&shared);
        std::thread::spawn(move || listener::listen(&listening, listener));
        Self { address, certificate, shared }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.shared.protocol.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// The path of a PEM file with the server's certificate and key.
    pub(crate) fn certificate(&self) -> &str {
        self.certificate.as_ref().expect("only a TLS server has a certificate").path().to_str().unwrap()
    }

    /// The ledger of the run in `report`, without requests before it.
    pub(crate) fn ledger_of(&self, report: &Report) -> Ledger {
        self.ledger().since(report.run.anchor.monotonic_ns)
    }

    /// A copy of the ledger so far.
    pub(crate) fn ledger(&self) -> Ledger {
        self.shared.ledger().clone()
    }

    /// The stretches of the plan with their real edges.
    pub(crate) fn truths(&self) -> Vec<Truth> {
        self.ledger().truths(&self.shared.plan)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for (_, handle) in self.shared.connections.lock().unwrap().iter() {
            let _ = handle.shutdown(Shutdown::Both);
        }
    }
}

/// A new certificate and key in one PEM file for clients, and the TLS configuration that uses them.
pub(crate) fn credentials(address: SocketAddr, protocol: Protocol) -> (tempfile::NamedTempFile, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed([address.ip().to_string()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = if protocol == Protocol::Mutual {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        )
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![if protocol.is_http2() { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    (file, Arc::new(config))
}
