//! Requests on an HTTP/1.1 connection, one at a time, written straight to the stream: hyper's client, made for any use,
//! takes longer for an exchange than the kernel does. No request is sent twice.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::response::{Malformed, ResponseReader, Sink};
use super::stream::Stream;

/// The size of the buffer that answers are read into, in bytes.
const BUFFER: usize = 64 << 10;

thread_local! {
    /// The buffer of this thread: what is read is parsed before anything else runs.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// A connection that speaks HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: RefCell<Stream>,
    /// Whether another request may be written.
    ready: Cell<bool>,
}

/// Why an exchange failed.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) why: Why,
    /// Whether a part of the answer had arrived.
    pub(super) begun: bool,
}

/// What happened on the connection.
#[derive(Debug)]
pub(super) enum Why {
    /// The peer sent what is no HTTP/1.1.
    Malformed(Malformed),
    /// The peer closed the connection.
    Closed,
    /// The peer closed a connection of TLS without `close_notify` within an answer that ends with it: nothing tells a
    /// whole answer from a cut one.
    NoCloseNotify,
    /// Reading or writing failed.
    Io(io::Error),
}

/// A request and its answer, under way.
struct Exchange<'a, S> {
    request: &'a [u8],
    /// The bytes of the request that have been written.
    written: usize,
    /// The first error of writing. It does not end the exchange: a server may answer and close before it has read the
    /// whole request. The next read decides.
    unwritable: Option<io::Error>,
    answer: ResponseReader<'a>,
    sink: &'a mut S,
}

impl Http1 {
    pub(super) const fn new(stream: Stream) -> Self {
        Self { stream: RefCell::new(stream), ready: Cell::new(true) }
    }

    /// Whether another request may be written, as far as the last answer and what was read since say.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Reads what has come unasked, without waiting. Over TLS it may be housekeeping, such as a session ticket; anything
    /// else, and the end, makes the connection unusable.
    pub(super) fn read_unasked(&self) {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut *self.stream.borrow_mut()).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        if read.is_ready() {
            self.ready.set(false);
        }
    }

    /// Sends `request` and reads its `answer` to the end.
    pub(super) async fn exchange(
        &self,
        request: &[u8],
        answer: ResponseReader<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), Broken> {
        // Also when this future is dropped half-way.
        self.ready.set(false);
        let mut exchange = Exchange { request, written: 0, unwritable: None, answer, sink };
        let outcome = std::future::poll_fn(|cx| {
            let mut stream = self.stream.borrow_mut();
            exchange.poll_write(cx, &mut stream);
            exchange.poll_read(cx, &mut stream)
        });
        let reusable = match outcome.await {
            Ok(reusable) => reusable,
            Err(why) => return Err(exchange.broken(why)),
        };
        self.ready.set(reusable);
        let tls = matches!(*self.stream.borrow(), Stream::Tls(_));
        if tls {
            // The end of the session may have come with the answer: then it is not on the socket any more.
            self.read_unasked();
        }
        Ok(())
    }
}

impl<S: Sink> Exchange<'_, S> {
    /// Why the exchange failed, if `why` is how its last read ended: what broke first tells more than the close that
    /// follows from it.
    fn broken(self, why: Why) -> Broken {
        let why = match (why, self.unwritable) {
            (Why::Closed | Why::Io(_), Some(error)) => Why::Io(error),
            (why, _) => why,
        };
        Broken { why, begun: self.answer.is_begun() }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) {
        while self.written < self.request.len() && self.unwritable.is_none() {
            match Pin::new(&mut *stream).poll_write(cx, &self.request[self.written..]) {
                Poll::Ready(Ok(0)) => self.unwritable = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => self.unwritable = Some(error),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(stream).poll_flush(cx) {
            self.unwritable.get_or_insert(error);
        }
    }

    /// Reads until the answer is complete; says whether another request may follow it.
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<bool, Why>> {
        READ.with_borrow_mut(|buffer| {
            loop {
                let mut buffer = ReadBuf::new(buffer);
                match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
                    // rustls reports a close without close_notify this way.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        let until_close = self.answer.ends_with_connection();
                        return Poll::Ready(Err(if until_close { Why::NoCloseNotify } else { Why::Closed }));
                    }
                    Err(error) => return Poll::Ready(Err(Why::Io(error))),
                    Ok(()) if buffer.filled().is_empty() => {
                        let whole = self.answer.ends_with_connection();
                        return Poll::Ready(if whole { Ok(false) } else { Err(Why::Closed) });
                    }
                    Ok(()) => {
                        let rest = self.answer.read(buffer.filled(), self.sink).map_err(Why::Malformed)?;
                        if self.answer.is_complete() {
                            let sent = self.written == self.request.len() && self.unwritable.is_none();
                            return Poll::Ready(Ok(sent && rest.is_empty() && self.answer.keeps_alive()));
                        }
                    }
                }
            }
        })
    }
}
