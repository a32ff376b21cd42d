//! Following a run from beside it, for those who look on: its journal is all that is shared with it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use lapse_hammer::clock::Clock;
use lapse_measure::time::Offset;
use lapse_record::journal::Tail;
use lapse_record::record::Record;

/// The minimum pause after a reading, as a multiple of the time it took: at most a tenth of a processor goes to it.
const REST: u32 = 10;

/// A reader of a journal that is still written, which rests between two readings.
#[derive(Debug)]
pub(crate) struct Follower {
    tail: Tail,
    clock: Clock,
    pace: Duration,
    /// When the next reading may begin.
    next: Offset,
}

impl Follower {
    /// Follows the run whose journal is, or will be, in `folder`, with at least `pace` between two readings.
    pub(crate) fn of(folder: &Path, pace: Duration) -> Self {
        Self { tail: Tail::of(folder), clock: Clock::start(), pace, next: Offset::ZERO }
    }

    /// What `show` makes of the run so far; `None` before the run begins. A journal that cannot be read gives nothing
    /// either: the run itself reports the error.
    pub(crate) fn read<T>(&mut self, show: impl FnOnce(&Record) -> T) -> Option<T> {
        let began = self.clock.now();
        let shown = self.tail.advance().ok().and_then(|()| self.tail.record()).map(|record| show(&record));
        let now = self.clock.now();
        self.next = now + self.pace.max(now.since(began) * REST);
        shown
    }

    /// The time until the next reading may begin; zero if it may.
    pub(crate) fn rest(&self) -> Duration {
        self.next.since(self.clock.now())
    }
}

/// Binds an address for onlookers, for a runtime that does not exist yet. Fails where the system refuses it.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
