//! A client's connection that can be ended in every way, and whose bytes can be spoilt, while a server uses it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use h2::Reason;
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is sent instead of an answer that is not to be HTTP.
const GARBLED: &[u8] = b"\x16\x03 this is not HTTP\r\n\r\n";
/// How much of a head is sent that is to be cut: less than its status line.
const PART_OF_HEAD: usize = 12;

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By a reset.
    Reset,
    /// By the end of the stream.
    Close,
    /// In good order, once the open requests are answered.
    Orderly,
}

/// A TCP stream with several owners.
#[derive(Clone, Debug)]
pub(crate) struct SharedStream(Arc<TcpStream>);

impl SharedStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    /// Ends the connection as `end` says; a reset is sent once the last owner is gone.
    pub(crate) fn end(&self, end: End) {
        // A client that has gone away is no error.
        let _ = match end {
            End::Reset => self.0.set_zero_linger(),
            End::Close | End::Orderly => shutdown(&self.0, Shutdown::Write).map_err(io::Error::from),
        };
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(End::Close);
        Poll::Ready(Ok(()))
    }
}

const WHOLE: u8 = 0;
const GARBLE: u8 = 1;
const CUT: u8 = 2;
/// With the code of an error of HTTP/2 added to it.
const GO_AWAY: u8 = 0x80;
const SPOILT: u8 = 3;

/// What becomes of the bytes that a server writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spoiler(Arc<AtomicU8>);

impl Spoiler {
    /// Instead of the next answer, bytes are sent that are not HTTP.
    pub(crate) fn garble(&self) {
        self.0.store(GARBLE, Ordering::Relaxed);
    }

    /// Instead of the next answer, a GOAWAY is sent that says that no stream was processed, and why.
    pub(crate) fn go_away(&self, reason: Reason) {
        let code = u8::try_from(u32::from(reason)).unwrap_or(0) & !GO_AWAY;
        self.0.store(GO_AWAY | code, Ordering::Relaxed);
    }

    /// Of the next answer, only a part of the status line is sent.
    pub(crate) fn cut_head(&self) {
        self.0.store(CUT, Ordering::Relaxed);
    }
}

/// A GOAWAY frame (RFC 9113, section 6.8) with zero as the last stream.
fn go_away(code: u8) -> [u8; 17] {
    const LENGTH: [u8; 3] = [0, 0, 8];
    const TYPE: u8 = 7;
    let mut frame = [0; 17];
    frame[..3].copy_from_slice(&LENGTH);
    frame[3] = TYPE;
    frame[16] = code;
    frame
}

/// A stream whose bytes a [`Spoiler`] can spoil.
#[derive(Debug)]
pub(crate) struct Spoiled<S> {
    pub(crate) inner: S,
    pub(crate) spoiler: Spoiler,
}

impl<S: AsyncRead + Unpin> AsyncRead for Spoiled<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Spoiled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mode = self.spoiler.0.load(Ordering::Relaxed);
        let go_away = go_away(mode & !GO_AWAY);
        let sent = match mode {
            WHOLE => return Pin::new(&mut self.inner).poll_write(cx, bytes),
            GARBLE => GARBLED,
            GO_AWAY.. => &go_away,
            CUT => bytes.get(..PART_OF_HEAD).unwrap_or(bytes),
            _ => return Poll::Ready(Ok(bytes.len())),
        };
        // So few bytes fit into the buffer of any connection.
        ready!(Pin::new(&mut self.inner).poll_write(cx, sent))?;
        self.spoiler.0.store(SPOILT, Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
