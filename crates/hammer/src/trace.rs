//! The progress of a probe under way: whenever it ends, the trace says how far it came.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use hyper::header::HeaderValue;

use super::slowness::Opened;
use lapse_measure::answer::{Class, Connection, Evidence, Origin};
use lapse_measure::time::Offset;

/// The part of a failed answer's body that is kept, in bytes.
const MAX_BODY: usize = 256;

/// The stage that a probe has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The name is being resolved.
    Resolving,
    /// No connection yet.
    Connecting,
    /// The TLS handshake is under way.
    Securing,
    /// The request is being sent or was sent; no complete head has arrived.
    Waiting,
    /// The head has arrived.
    Reading,
}

/// Why a probe failed, or was not sent.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) class: Class,
    pub(super) detail: String,
}

/// The progress of one probe: stage, connection and response so far.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) stage: Cell<Stage>,
    pub(super) sent: Cell<Option<Offset>>,
    pub(super) connection: Cell<Connection>,
    pub(super) reconnects: Cell<u8>,
    pub(super) peer: Cell<Option<SocketAddr>>,
    pub(super) local_port: Cell<Option<u16>>,
    pub(super) age: Cell<Duration>,
    pub(super) uses: Cell<u32>,
    pub(super) idle: Cell<Option<Duration>>,
    pub(super) status: Cell<Option<u16>>,
    pub(super) no_close_notify: Cell<bool>,
    /// The stages of the connection, if the probe opened one.
    pub(super) opened: Cell<Option<Opened>>,
    /// The `Server` header. It and the body become text only if the probe fails.
    server: RefCell<Vec<u8>>,
    /// The backend that answered, or that answered before on the same connection.
    backend: RefCell<Option<HeaderValue>>,
    /// The version that the answer names.
    version: RefCell<Option<HeaderValue>>,
    /// The first bytes of the body.
    body: RefCell<Vec<u8>>,
}

// === impl Failed ===

impl Failed {
    pub(super) fn new(class: Class, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }

    /// Whether the connection can be used again: the answer was complete, whatever it said, or only the stream was
    /// given up.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.class.origin(), Origin::Answer | Origin::Stream)
    }
}

// === impl Trace ===

impl Trace {
    pub(super) fn new() -> Self {
        Self {
            stage: Cell::new(Stage::Connecting),
            sent: Cell::new(None),
            connection: Cell::new(Connection::New),
            reconnects: Cell::new(0),
            peer: Cell::new(None),
            local_port: Cell::new(None),
            age: Cell::new(Duration::ZERO),
            uses: Cell::new(0),
            idle: Cell::new(None),
            status: Cell::new(None),
            no_close_notify: Cell::new(false),
            opened: Cell::new(None),
            server: RefCell::default(),
            backend: RefCell::new(None),
            version: RefCell::new(None),
            body: RefCell::default(),
        }
    }

    /// The trace of another probe, in the memory of this one.
    pub(super) fn again(self) -> Self {
        let (mut server, mut body) = (self.server.take(), self.body.take());
        server.clear();
        body.clear();
        Self { server: RefCell::new(server), body: RefCell::new(body), ..Self::new() }
    }

    /// Notes that the head has arrived, with the `Server` header if there is one.
    pub(super) fn head(&self, status: u16, server: Option<&[u8]>) {
        self.stage.set(Stage::Reading);
        self.status.set(Some(status));
        let mut own = self.server.borrow_mut();
        own.clear();
        own.extend_from_slice(server.unwrap_or_default());
    }

    /// Notes the backend of the connection, if it is known.
    pub(super) fn backend(&self, name: Option<HeaderValue>) {
        self.backend.replace(name);
    }

    /// The backend that answered, if a header named it.
    pub(super) fn answered_by(&self) -> Option<HeaderValue> {
        if self.stage.get() == Stage::Reading { self.backend.borrow().clone() } else { None }
    }

    /// Notes the version that the answer names.
    pub(super) fn version(&self, name: Option<HeaderValue>) {
        self.version.replace(name);
    }

    /// The version that the answer names, once.
    pub(super) fn take_version(&self) -> Option<HeaderValue> {
        self.version.take()
    }

    /// Notes a part of the body.
    pub(super) fn body(&self, bytes: &[u8]) {
        let mut body = self.body.borrow_mut();
        let room = MAX_BODY.saturating_sub(body.len()).min(bytes.len());
        body.extend_from_slice(&bytes[..room]);
    }

    /// What `read` makes of the first bytes of the body.
    pub(super) fn with_body<T>(&self, read: impl FnOnce(&[u8]) -> T) -> T {
        read(&self.body.borrow())
    }

    /// The class of a probe that the prober's own clock ended at this stage.
    pub(super) fn timed_out(&self) -> Failed {
        let (class, detail) = match self.stage.get() {
            Stage::Resolving => (Class::Dns, "the name was not resolved in time"),
            Stage::Connecting => (Class::ConnectTimeout, "no connection in time"),
            Stage::Securing => (Class::Tls, "no TLS handshake in time"),
            Stage::Waiting => (Class::ResponseTimeout, "no complete head in time"),
            Stage::Reading => (Class::Truncated, "the body did not end in time"),
        };
        Failed::new(class, detail)
    }

    /// The evidence for reports.
    pub(super) fn evidence(&self, detail: String) -> Evidence {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let kept = |bytes: &RefCell<Vec<u8>>| Some(text(&bytes.borrow())).filter(|text| !text.is_empty());
        Evidence {
            status: self.status.get(),
            peer: self.peer.get(),
            local_port: self.local_port.get(),
            server: kept(&self.server),
            backend: self.backend.borrow().as_ref().map(|name| text(name.as_bytes())),
            body: kept(&self.body),
            age: self.age.get(),
            uses: self.uses.get(),
            idle: self.idle.get(),
            no_close_notify: self.no_close_notify.get(),
            detail,
        }
    }
}
