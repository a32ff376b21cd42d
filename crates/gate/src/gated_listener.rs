//! A bound port that can be opened and closed within microseconds without losing the port.
//!
//! A closed port refuses connections as an unused one does, and a filtered one drops their SYNs. The kernel does both,
//! so a client gets the same errors as from a real service.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as Socket, TcpStream as StdStream};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::net::{Shutdown, listen, shutdown};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::syn_filter::SynFilter;

/// The listen backlog: connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// The number of free ports to try before giving up.
const TRIES: u32 = 16;

/// A bound port, closed at first.
#[derive(Debug)]
pub struct GatedListener {
    socket: Socket,
    address: SocketAddr,
    open: AtomicBool,
}

impl GatedListener {
    /// Binds `address`; port 0 picks any that is free. Fails where the system refuses the address.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.port() == 0 { any_port(address.ip())? } else { Socket::bind(address)? };
        let address = socket.local_addr()?;
        let gate = Self { socket, address, open: AtomicBool::new(true) };
        gate.socket.set_nonblocking(true)?;
        gate.shut();
        Ok(gate)
    }

    /// The address, with the port that was picked if port 0 was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to listen. The returned listener must be dropped before the port is opened again.
    pub fn open(&self) -> io::Result<TcpListener> {
        listen(&self.socket, BACKLOG)?;
        self.open.store(true, Ordering::Relaxed);
        TcpListener::from_std(self.socket.try_clone()?)
    }

    /// Accepts a connection that is in the backlog already.
    pub fn waiting(&self) -> Option<(TcpStream, SocketAddr)> {
        let (stream, client) = self.socket.accept().ok()?;
        Some((adopt(stream).ok()?, client))
    }

    /// Stops listening: new connections are refused, and those in the backlog are reset.
    pub fn shut(&self) {
        // Only if the port is open: closing a closed port makes all connections that are made after the next opening
        // begin with an end of file.
        if self.open.swap(false, Ordering::Relaxed) {
            let _ = shutdown(&self.socket, Shutdown::Read);
        }
    }

    /// Drops the SYNs that `filter` selects, while the port is open.
    pub fn sift(&self, filter: &SynFilter) -> io::Result<()> {
        SockRef::from(&self.socket).attach_filter(&filter.program())
    }

    /// Drops the SYNs of all new connections from now on.
    pub fn swallow(&self) -> io::Result<()> {
        self.shut();
        self.sift(&SynFilter::all())?;
        listen(&self.socket, BACKLOG)?;
        self.open.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Picks a free port by number: the kernel takes back an ephemeral one as soon as its socket stops listening.
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
    async fn a_port_can_be_closed_and_opened_again() {
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
    async fn a_swallowing_port_neither_accepts_nor_refuses() {
        let gate = GatedListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        gate.swallow().unwrap();
        let attempt = tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(gate.address()));
        assert!(attempt.await.is_err());
    }
}
