//! How many probes of a lane may be under way at once.
//!
//! In an open loop, concurrency is rate times response time: a server that slows down drives it up, and that is to be
//! measured. A prober that was held up must not: the slots that piled up meanwhile, sent all at once, would open a
//! connection each and exhaust a healthy server. So punctual slots are sent whatever is under way, and set the
//! level; late slots are sent within that level, and dropped as `not-sent stall` if they find no room.

use std::cell::Cell;
use std::time::Duration;

use lapse_measure::time::Offset;

/// A slot picked up within this time of its due time is punctual: later ones count as late in the report, too.
const PUNCTUAL: Duration = Duration::from_millis(1);
/// The level is the highest concurrency of this window and the one before.
const WINDOW: Duration = Duration::from_secs(5);
/// Late slots wait no longer once the thread was idle for this long with no room for them: then it is the server that is
/// slow, and to hold them back would delay the punctual slots behind them. The newest are sent, the others dropped.
const PATIENCE: Duration = Duration::from_millis(2);

/// Concurrency of one lane in one thread.
#[derive(Debug)]
pub(super) struct Concurrency {
    /// The level is never lower than this.
    floor: usize,
    under_way: Cell<usize>,
    /// The highest concurrency of punctual slots in this window, and in the one before.
    peaks: Cell<(usize, usize)>,
    window_start: Cell<Offset>,
    /// Idle time of the thread since late slots began to wait for room.
    waited: Cell<Duration>,
}

/// What is to happen to a slot that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is sent now; it sets the level, or stays within it.
    Send { sets_level: bool },
    /// It waits until answers have been read, and so do the slots behind it.
    Wait,
    /// It was held up for too long to be sent.
    Drop,
}

impl Concurrency {
    pub(super) fn new(floor: usize) -> Self {
        Self {
            floor,
            under_way: Cell::new(0),
            peaks: Cell::new((0, 0)),
            window_start: Cell::new(Offset::ZERO),
            waited: Cell::new(Duration::ZERO),
        }
    }

    /// The level: concurrency that the server's response times called for lately.
    pub(super) fn level(&self) -> usize {
        let (current, before) = self.peaks.get();
        self.floor.max(current).max(before)
    }

    /// Decides on a slot that is late by `late`; `newer` slots are due as well. The newest is sent however late it is: at
    /// a low rate no other slot says how the service is. `idle` is how long the thread had nothing to do since the
    /// last decision.
    pub(super) fn admit(&self, late: Duration, newer: u64, idle: Duration) -> Admission {
        if late <= PUNCTUAL || newer == 0 {
            self.waited.set(Duration::ZERO);
            return Admission::Send { sets_level: true };
        }
        if self.under_way.get() < self.level() {
            return Admission::Send { sets_level: false };
        }
        self.waited.set(self.waited.get() + idle);
        match self.waited.get() >= PATIENCE {
            true if newer < self.floor as u64 => Admission::Send { sets_level: true },
            true => Admission::Drop,
            false => Admission::Wait,
        }
    }

    /// A probe begins at `now`.
    pub(super) fn begin(&self, now: Offset, sets_level: bool) {
        self.under_way.set(self.under_way.get() + 1);
        if now.since(self.window_start.get()) >= WINDOW {
            self.window_start.set(now);
            self.peaks.set((0, self.peaks.get().0));
        }
        if sets_level {
            let (current, before) = self.peaks.get();
            self.peaks.set((current.max(self.under_way.get()), before));
        }
    }

    /// A probe has its result.
    pub(super) fn end(&self) {
        self.under_way.set(self.under_way.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_millis(5);
    const BUSY: Duration = Duration::ZERO;
    const SET: Admission = Admission::Send { sets_level: true };

    #[test]
    fn punctual_slots_raise_the_level_and_late_ones_stay_within_it() {
        let lane = Concurrency::new(2);
        for _ in 0..5 {
            assert_eq!(lane.admit(PUNCTUAL, 9, BUSY), SET);
            lane.begin(Offset::ZERO, true);
        }
        assert_eq!(lane.level(), 5);
        assert_eq!(lane.admit(LATE, 9, BUSY), Admission::Wait);
        lane.end();
        assert_eq!(lane.admit(LATE, 9, BUSY), Admission::Send { sets_level: false });
        lane.begin(Offset::ZERO, false);
        assert_eq!((lane.level(), lane.admit(LATE, 9, BUSY)), (5, Admission::Wait));
        assert_eq!(lane.admit(LATE, 0, BUSY), SET, "the newest slot is sent however late it is");
    }

    #[test]
    fn late_slots_wait_while_the_thread_is_busy_and_are_dropped_once_the_server_is_the_slow_one() {
        let lane = Concurrency::new(2);
        (0..2).for_each(|_| lane.begin(Offset::ZERO, true));
        assert_eq!([(); 1_000].map(|()| lane.admit(LATE, 3, BUSY)), [Admission::Wait; 1_000]);
        assert_eq!(lane.admit(LATE, 3, PATIENCE / 2), Admission::Wait);
        assert_eq!(lane.admit(LATE, 3, PATIENCE / 2), Admission::Drop);
        assert_eq!(lane.admit(LATE, 2, BUSY), Admission::Drop, "all that are late go together");
        assert_eq!(lane.admit(LATE, 1, BUSY), SET, "as many of the newest as the lane has connections are sent");
        assert_eq!(lane.admit(PUNCTUAL, 3, BUSY), SET, "hung probes do not hold up punctual slots");
        assert_eq!(lane.admit(LATE, 3, BUSY), Admission::Wait);
    }

    #[test]
    fn the_level_sinks_within_two_windows_of_the_last_peak() {
        let lane = Concurrency::new(1);
        let twice = |now| (0..2).for_each(|_| lane.begin(now, true));
        twice(Offset::ZERO);
        twice(Offset::ZERO);
        (0..4).for_each(|_| lane.end());
        let at = |windows: u32| Offset::ZERO + WINDOW * windows;
        lane.begin(at(1), true);
        assert_eq!(lane.level(), 4);
        lane.end();
        lane.begin(at(2), true);
        assert_eq!(lane.level(), 1);
    }
}
