//! A place for a held stream: whenever its stream is dropped, it asks for another.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use httparse::Header;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use super::Looks;
use super::messages::Messages;
use crate::classify;
use crate::connect::Connector;
use crate::http1::{Broken, Why};
use crate::request::PreparedRequest;
use crate::response::{ResponseReader, Sink};
use crate::template::Turn;
use crate::trace::{Failed, Stage, Trace};
use lapse_measure::answer::Class;
use lapse_measure::held::{Arrival, Drop, Stream};
use lapse_measure::lane::{Policy, TargetId};
use lapse_measure::time::Offset;

/// The least time between two attempts of one place.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
/// The longest name of a backend that is kept, in bytes.
const MAX_NAME: usize = 256;

/// What is asked for streams, and how.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) id: TargetId,
    pub(super) connector: Connector,
    pub(super) request: PreparedRequest,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) looks: Arc<Looks>,
}

/// One place.
#[derive(Debug)]
pub(super) struct Place {
    service: Rc<Service>,
    number: u32,
    /// The stream that is held, or being opened.
    stream: RefCell<Stream>,
    /// The greatest number of a message so far, which a server can go on from.
    last_number: Cell<Option<u64>>,
    attempts: Cell<u64>,
}

/// Takes an answer.
struct Taken<'a> {
    place: &'a Place,
    messages: Messages,
    /// The status, once the head is there.
    status: &'a Cell<Option<u16>>,
    ends_with_connection: bool,
}

impl Place {
    /// A place whose first stream is about to be asked for.
    pub(super) fn new(service: Rc<Service>, number: u32) -> Self {
        let stream = RefCell::new(Stream::new(number, service.looks.clock.now()));
        Self { service, number, stream, last_number: Cell::new(None), attempts: Cell::new(0) }
    }

    /// Holds one stream after the other, for as long as this is polled; each is told of when it was dropped.
    pub(super) async fn keep(self: Rc<Self>, tell: UnboundedSender<(TargetId, Stream)>) {
        loop {
            let began = self.now();
            match self.attempt().await {
                Ok(how) => {
                    let (id, mut dropped) = self.take();
                    (dropped.end, dropped.dropped) = (self.service.looks.arrival(), Some(how));
                    // The session may be gone, and with it all interest.
                    let _ = tell.send((id, dropped));
                }
                Err(failed) => {
                    let mut stream = self.stream.borrow_mut();
                    stream.failed += 1;
                    stream.failed_as = Some(failed.class.to_string());
                }
            }
            sleep(BETWEEN_ATTEMPTS.saturating_sub(self.now().since(began))).await;
            let mut stream = self.stream.borrow_mut();
            if stream.failed == 0 {
                stream.asked = self.service.looks.clock.now();
            }
        }
    }

    /// The stream that lives, or is being opened, at the end of the run.
    pub(super) fn cut_off(&self, end: Offset) -> (TargetId, Stream) {
        let (id, mut stream) = self.take();
        stream.end = Arrival::exact(end);
        (id, stream)
    }

    fn take(&self) -> (TargetId, Stream) {
        (self.service.id, self.stream.replace(Stream::new(self.number, self.now())))
    }

    fn now(&self) -> Offset {
        self.service.looks.clock.now()
    }

    /// Opens a stream and reads it to its end: how it ended, or why it was not opened.
    async fn attempt(&self) -> Result<Drop, Failed> {
        let trace = Trace::new();
        let open = self.service.connector.open(Policy::Reused, &trace, || self.now());
        let opened = timeout(self.service.connect_timeout, open).await;
        let connection = opened.unwrap_or_else(|_| Err(trace.timed_out()))?;
        let status = Cell::new(None);
        let mut taken = Taken { place: self, messages: Messages::Pieces, status: &status, ends_with_connection: false };
        let request = self.request();
        let reader = ResponseReader::new(&self.service.request.method, false);
        trace.stage.set(Stage::Waiting);
        let no_head = async {
            sleep(self.service.timeout).await;
            if self.stream.borrow().opened.is_some() {
                pending::<()>().await;
            }
        };
        let unexpected = |status| Failed::new(Class::Status(status), "a status that is not expected");
        let outcome = tokio::select! {
            outcome = connection.stream(&request, reader, &mut taken) => outcome,
            () = no_head => return Err(status.get().map_or_else(|| trace.timed_out(), unexpected)),
        };
        let ends_with_connection = taken.ends_with_connection;
        let Some(status) = status.get() else {
            let nothing = || Failed::new(Class::Closed, "the connection was closed without an answer");
            return Err(outcome.err().map_or_else(nothing, |broken| classify::http1(&broken)));
        };
        if !self.service.request.expect.statuses.contains(status) {
            return Err(unexpected(status));
        }
        Ok(how(&outcome, ends_with_connection))
    }

    /// The bytes of the request; a stream whose messages have numbers is asked to go on after the last one.
    fn request(&self) -> Vec<u8> {
        let slot = self.attempts.replace(self.attempts.get() + 1);
        let mut bytes = self.service.request.http1(Turn { slot, due: self.now() }).into_owned();
        if let Some(number) = self.last_number.get()
            && bytes.ends_with(b"\r\n\r\n")
        {
            bytes.truncate(bytes.len() - 2);
            bytes.extend(format!("last-event-id: {number}\r\n\r\n").into_bytes());
        }
        bytes
    }
}

impl Sink for Taken<'_> {
    fn head(&mut self, status: u16, fields: &[Header<'_>]) {
        self.status.set(Some(status));
        if !self.place.service.request.expect.statuses.contains(status) {
            return;
        }
        let field = |name: &str| fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        self.messages = Messages::of(field("content-type").map(|field| field.value));
        self.ends_with_connection = field("transfer-encoding").is_none() && field("content-length").is_none();
        let backend = self.place.service.request.backend.as_ref().and_then(|name| field(name.as_str()));
        let name = |field: &Header<'_>| {
            let kept = field.value.get(..MAX_NAME).unwrap_or(field.value);
            String::from_utf8_lossy(kept).into_owned()
        };
        let mut stream = self.place.stream.borrow_mut();
        stream.opened = Some(self.place.service.looks.arrival());
        stream.backend = backend.map(name);
    }

    fn body(&mut self, bytes: &[u8]) {
        let mut stream = self.place.stream.borrow_mut();
        if stream.opened.is_none() {
            return;
        }
        let at = self.place.service.looks.arrival();
        self.messages.read(bytes, |number| stream.message(at, number));
        self.place.last_number.set(stream.numbers.map(|numbers| numbers.last).max(self.place.last_number.get()));
    }
}

/// How a stream ended whose head had come.
fn how(outcome: &Result<(), Broken>, ends_with_connection: bool) -> Drop {
    match outcome {
        Ok(()) if ends_with_connection => Drop::Fin,
        Ok(()) => Drop::Ended,
        Err(Broken { why: Why::Closed, .. }) => Drop::Truncated,
        Err(Broken { why: Why::NoCloseNotify, .. }) => Drop::Fin,
        Err(Broken { why: Why::Io(error), .. }) => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                Drop::Reset
            }
            io::ErrorKind::UnexpectedEof => Drop::Truncated,
            _ => Drop::Broken,
        },
        Err(Broken { why: Why::Malformed(_), .. }) => Drop::Broken,
    }
}
