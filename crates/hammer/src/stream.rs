//! A byte stream that records what happened on it, so that failures are classified by facts and not by error texts.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A TCP connection that can be observed while another task reads it.
#[derive(Clone, Debug)]
pub(super) struct Socket(Rc<TcpStream>);

/// The state of an idle connection's receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    /// Empty: the connection can be used.
    Quiet,
    /// Bytes received without a request under way.
    Bytes,
    /// The connection was closed or broke.
    Over,
}

/// A connection, with or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    /// Without TLS.
    Plain(Socket),
    /// With TLS.
    Tls(Box<TlsStream<Socket>>),
}

/// End and error of a stream, above TLS if there is any.
#[derive(Debug, Default)]
pub(super) struct IoObservations {
    ended: Cell<bool>,
    broken: Cell<Option<io::ErrorKind>>,
}

/// A stream with its observations.
#[derive(Debug)]
pub(super) struct Watched {
    stream: Stream,
    observed: Rc<IoObservations>,
}

// === impl Socket ===

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self(Rc::new(tcp))
    }

    /// A read that did not fill its buffer has emptied the socket: the next one waits for readiness instead of making a
    /// system call in vain. (Epoll is edge-triggered, so no arrival is missed.)
    fn is_drained(&self) {
        let nothing: io::Result<()> = self.0.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
        drop(nothing);
    }

    /// Peeks at an idle connection without consuming or waiting. It asks the kernel, not the runtime, which learns of a
    /// close only when it next polls its sockets; a request written until then would fail.
    pub(super) fn look(&self) -> Idle {
        let mut byte = [0_u8; 1];
        match recv(&*self.0, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((_, 0)) => Idle::Over,
            Ok(_) => Idle::Bytes,
            Err(Errno::AGAIN | Errno::INTR) => Idle::Quiet,
            Err(_) => Idle::Over,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read_buf(buf) {
                Ok(read) => {
                    if read > 0 && buf.remaining() > 0 {
                        self.is_drained();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            let written = match bufs {
                // writev is slower than write in the kernel, even with one buffer.
                [buf] => self.0.try_write(buf),
                bufs => self.0.try_write_vectored(bufs),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(&*self.0, Shutdown::Write).map_err(io::Error::from))
    }
}

// === impl IoObservations ===

impl IoObservations {
    /// Whether the peer closed the stream.
    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// The first error of reading or writing.
    pub(super) fn broken(&self) -> Option<io::ErrorKind> {
        self.broken.get()
    }

    /// A failed write does not end the exchange: a server may answer and close before it has read the whole request.
    /// The next read decides.
    fn swallow<T>(&self, written: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        written.map(|result| {
            Ok(result.unwrap_or_else(|error| {
                self.note(&error);
                all
            }))
        })
    }

    fn note(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            // rustls reports a close without close_notify this way.
            self.ended.set(true);
        } else if self.broken.get().is_none() {
            self.broken.set(Some(error.kind()));
        }
    }
}

// === impl Stream ===

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

// === impl Watched ===

impl Watched {
    pub(super) const fn new(stream: Stream, observed: Rc<IoObservations>) -> Self {
        Self { stream, observed }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() == before => self.observed.ended.set(true),
            Poll::Ready(Err(error)) => self.observed.note(error),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.observed.swallow(written, bufs.iter().map(|buf| buf.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.observed.swallow(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_close_of_an_idle_connection_is_seen_before_the_runtime_polls() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Socket::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (mut server, _) = listener.accept().unwrap();
        assert_eq!(socket.look(), Idle::Quiet);
        // No await from here on: the runtime does not poll its sockets. Loopback delivers within the system call.
        io::Write::write_all(&mut server, b"!").unwrap();
        assert_eq!(socket.look(), Idle::Bytes);
        assert_eq!(socket.look(), Idle::Bytes, "nothing was taken");
        socket.0.try_read(&mut [0; 8]).unwrap_err();
        drop(server);
        let byte = recv(&*socket.0, &mut [0_u8; 8][..], RecvFlags::DONTWAIT).unwrap();
        assert_eq!((byte.1, socket.look()), (1, Idle::Over));
    }
}
