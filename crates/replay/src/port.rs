//! The port of a replay, which opens, closes and swallows as the script says.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use lapse_gate::{GatedListener, PendingConnects, SynFilter};

use crate::alarm;
use crate::door::Door;

/// The pause when no connection can be accepted.
const PAUSE: Duration = Duration::from_millis(5);

/// The port, open at first.
#[derive(Debug)]
pub(crate) struct Port {
    gate: GatedListener,
    /// The listener, while the port is not shut.
    listener: Option<TcpListener>,
    door: Door,
    /// Clients whose SYNs were dropped; theirs are dropped until they give up.
    pending: PendingConnects,
}

impl Port {
    /// Opens the port. Fails where the system refuses the address.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let gate = GatedListener::bind(address)?;
        let listener = Some(gate.open()?);
        let pending = PendingConnects::at(gate.address());
        Ok(Self { gate, listener, door: Door::Open, pending })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    /// A receiver that is notified when the clients change whose SYNs were dropped.
    pub(crate) fn pending(&self) -> watch::Receiver<Vec<u16>> {
        self.pending.watch()
    }

    /// Whether SYNs are being dropped, or were a moment ago: the clients that wait are looked for while this is set.
    pub(crate) fn look_out(&self, swallowing: bool) {
        self.pending.look_out(swallowing);
    }

    /// Makes the port do as `door` says. Returns the connections that were made before it closed.
    pub(crate) fn turn(&mut self, door: Door) -> io::Result<Vec<TcpStream>> {
        let mut guests = Vec::new();
        match door {
            _ if door == self.door && !self.pending.has_changed() => return Ok(guests),
            Door::Shut => {
                guests.extend(std::iter::from_fn(|| self.gate.waiting()).map(|(stream, _)| stream));
                self.listener = None;
                self.gate.shut();
            }
            Door::Open => {
                let mut filter = SynFilter::share(0, 1);
                filter.hold(self.pending.ports());
                self.gate.sift(&filter)?;
                self.listen()?;
            }
            Door::Swallowing => {
                self.gate.sift(&SynFilter::all())?;
                self.listen()?;
            }
        }
        self.door = door;
        Ok(guests)
    }

    fn listen(&mut self) -> io::Result<()> {
        if self.listener.is_none() {
            self.listener = Some(self.gate.open()?);
        }
        Ok(())
    }

    /// The next connection; waits for ever while the port is shut.
    pub(crate) async fn accept(&self) -> TcpStream {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return stream,
                // No descriptor is free, or the client has gone: try again.
                Err(_) => alarm::sleep(PAUSE).await,
            }
        }
    }
}
