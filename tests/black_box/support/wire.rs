//! An accepted connection, plain or TLS, with exact control over its end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, Stream};

/// The server's side of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    tcp: TcpStream,
    tls: Option<Box<ServerConnection>>,
}

impl Wire {
    pub(crate) fn new(tcp: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let tls = tls.map(|config| ServerConnection::new(Arc::clone(config))).transpose().map_err(io::Error::other)?;
        Ok(Self { tcp, tls: tls.map(Box::new) })
    }

    pub(crate) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Waits until the client has sent data; false if it closed the connection.
    pub(crate) fn wait(&self) -> bool {
        self.tcp.peek(&mut [0]).is_ok_and(|count| count > 0)
    }

    /// Writes directly to the TCP socket, below TLS.
    pub(crate) fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tcp.write_all(bytes)
    }

    /// Makes the next close send a RST instead of a FIN.
    pub(crate) fn reset(&self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(&self.tcp, Some(Duration::ZERO))?)
    }

    /// Sends a FIN. The caller must read until the client closes, because unread bytes would cause a RST.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.tcp.shutdown(Shutdown::Write)
    }

    /// Makes the socket non-blocking, so that reads return at once.
    pub(crate) fn stop_waiting(&self) -> io::Result<()> {
        self.tcp.set_nonblocking(true)
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => read_tls(tls, &mut self.tcp, buffer),
            None => self.tcp.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => Stream::new(tls.as_mut(), &mut self.tcp).write(bytes),
            None => self.tcp.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => Stream::new(tls.as_mut(), &mut self.tcp).flush(),
            None => self.tcp.flush(),
        }
    }
}

/// Reads what a client sent even if it no longer takes what is still to be written, such as session tickets:
/// a request that reached this machine belongs in the ledger, whether or not its client waited.
fn read_tls(tls: &mut ServerConnection, tcp: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match tls.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        if tls.read_tls(tcp)? == 0 {
            return Ok(0);
        }
        let processed = tls.process_new_packets();
        while tls.wants_write() && tls.write_tls(tcp).is_ok() {}
        processed.map_err(io::Error::other)?;
    }
}
