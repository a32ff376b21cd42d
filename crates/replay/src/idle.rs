//! The idle connections of a replay, the one that has rested longest first: they are closed when the run's server closed
//! its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::stream::End;

/// The idle connections, in the order in which they came to rest.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Resting>);

#[derive(Debug, Default)]
struct Resting {
    next: u64,
    connections: BTreeMap<u64, watch::Sender<Option<End>>>,
}

/// A connection that is idle, or has requests under way.
#[derive(Debug)]
pub(crate) struct Occupancy {
    idle: Arc<Idle>,
    ends: watch::Sender<Option<End>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: u32,
    /// Its place among those that rest.
    place: Option<u64>,
}

/// A request under way: its connection is not idle until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Occupancy>);

impl Idle {
    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the `count` connections that have been idle for longest.
    pub(crate) fn close(&self, count: u32) {
        for _ in 0..count {
            let Some((_, ends)) = self.resting().connections.pop_first() else { return };
            ends.send_replace(Some(End::Close));
        }
    }
}

impl Occupancy {
    /// A new connection, which is idle; `ends` says how it is to end.
    pub(crate) fn new(idle: Arc<Idle>, ends: watch::Sender<Option<End>>) -> Arc<Self> {
        let occupancy = Self { idle, ends, state: Mutex::default() };
        occupancy.rest(&mut occupancy.state());
        Arc::new(occupancy)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self, state: &mut State) {
        let mut resting = self.idle.resting();
        let place = resting.next;
        resting.next += 1;
        resting.connections.insert(place, self.ends.clone());
        state.place = Some(place);
    }

    fn wake(&self, state: &mut State) {
        if let Some(place) = state.place.take() {
            self.idle.resting().connections.remove(&place);
        }
    }

    /// Notes a request.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.under_way += 1;
        self.wake(&mut state);
        drop(state);
        Busy(Arc::clone(self))
    }

    /// The connection has ended.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        // None of its requests lets it rest again.
        state.under_way += 1;
        self.wake(&mut state);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
        if state.under_way == 0 {
            self.0.rest(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_that_has_rested_longest_is_closed_first_and_a_busy_one_never() {
        let idle = Arc::new(Idle::default());
        let connection = || {
            let (ends, ended) = watch::channel(None);
            (Occupancy::new(Arc::clone(&idle), ends), ended)
        };
        let all: Vec<_> = (0..4).map(|_| connection()).collect();
        let is_closed = || all.iter().map(|(_, ended)| *ended.borrow() == Some(End::Close)).collect::<Vec<_>>();
        // The first has a request and rests again, as the last one; the second has one under way.
        drop(all[0].0.begin());
        let busy = all[1].0.begin();
        idle.close(1);
        assert_eq!(is_closed(), [false, false, true, false]);
        all[3].0.end();
        idle.close(9);
        assert_eq!(is_closed(), [true, false, true, false]);
        drop(busy);
        idle.close(1);
        assert_eq!(is_closed(), [true, true, true, false]);
    }
}
