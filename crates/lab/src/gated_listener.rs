//! A port of our own that can be opened and shut in microseconds, without ever being given away.
//!
//! A shut door refuses connections as a port does on which nothing listens, and a swallowing one lets
//! their packets vanish: both by the kernel, so that a client sees the real thing.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as Socket, TcpStream as StdStream};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::{Shutdown, listen, shutdown};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::syn_filter::SynFilter;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;
/// How often another free port is tried.
const TRIES: u32 = 16;

/// A bound port; shut at first.
#[derive(Debug)]
pub(super) struct GatedListener {
    socket: Socket,
    address: SocketAddr,
    open: AtomicBool,
}

impl GatedListener {
    /// A door on `address`; port 0 for any that is free.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.port() == 0 { any_port(address.ip())? } else { Socket::bind(address)? };
        let address = socket.local_addr()?;
        let gate = Self { socket, address, open: AtomicBool::new(true) };
        gate.socket.set_nonblocking(true)?;
        gate.shut();
        Ok(gate)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens. What is returned must be dropped before the door is opened again.
    pub(super) fn open(&self) -> io::Result<TcpListener> {
        listen(&self.socket, BACKLOG)?;
        self.open.store(true, Ordering::Relaxed);
        TcpListener::from_std(self.socket.try_clone()?)
    }

    /// Takes a connection that waits already.
    pub(super) fn waiting(&self) -> Option<(TcpStream, SocketAddr)> {
        let (stream, client) = self.socket.accept().ok()?;
        Some((adopt(stream).ok()?, client))
    }

    /// Refuses connections from now on, and resets those that nobody has accepted.
    pub(super) fn shut(&self) {
        // Twice would be once too often: all connections of a port that is shut when it is shut already
        // begin, once it is open again, with an end of file.
        if self.open.swap(false, Ordering::Relaxed) {
            let _ = shutdown(&self.socket, Shutdown::Read);
        }
    }

    /// Lets the packets of some new connections vanish, for as long as it is open.
    pub(super) fn sift(&self, filter: &SynFilter) -> io::Result<()> {
        SockRef::from(&self.socket).attach_filter(&filter.program())
    }

    /// Lets the packets of all new connections vanish from now on.
    pub(super) fn swallow(&self) -> io::Result<()> {
        self.shut();
        self.sift(&SynFilter::all())?;
        listen(&self.socket, BACKLOG)?;
        self.open.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// The kernel gives a port back when the socket that was bound to "any" stops listening; one that was
/// bound by number stays ours.
fn any_port(ip: IpAddr) -> io::Result<Socket> {
    let attempt = || {
        let free = Socket::bind((ip, 0))?.local_addr()?;
        Socket::bind(free)
    };
    (1..TRIES).map(|_| attempt()).find(Result::is_ok).unwrap_or_else(attempt)
}

fn adopt(stream: StdStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_door_opens_shuts_and_opens_again_on_the_same_port() {
        let gate = GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        for _ in 0..3 {
            let refused = TcpStream::connect(gate.address()).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let listener = gate.open().unwrap();
            let (client, served) = tokio::join!(TcpStream::connect(gate.address()), listener.accept());
            let (client, (served, _)) = (client.unwrap(), served.unwrap());
            assert_eq!(client.local_addr().unwrap(), served.peer_addr().unwrap());
            assert_eq!(served.try_read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            drop(listener);
            gate.shut();
            gate.shut();
        }
    }

    #[tokio::test]
    async fn a_swallowing_door_neither_accepts_nor_refuses() {
        let gate = GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        gate.swallow().unwrap();
        let attempt = tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(gate.address()));
        assert!(attempt.await.is_err());
    }
}
