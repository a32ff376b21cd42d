//! How many probes of a lane may be under way at once.
//!
//! In an open loop, concurrency is rate times response time: a server that slows down drives it up, and that is to be
//! measured. A prober that was held up must not: the slots that piled up meanwhile, sent all at once, would open a
//! connection each and exhaust a healthy server. So punctual slots may raise the level of concurrency, by five a
//! millisecond; late slots are sent within that level. Slots that find no room are dropped: late ones as
//! `not-sent stall`, punctual ones as `not-sent concurrency`.

use std::cell::Cell;
use std::time::Duration;

use lapse_measure::answer::Unsent;
use lapse_measure::time::Offset;

/// A slot picked up within this time of its due time is punctual: later ones count as late in the report, too.
const PUNCTUAL: Duration = Duration::from_millis(1);
/// The level is the highest concurrency of this window and the one before.
const WINDOW: Duration = Duration::from_secs(5);
/// The level rises by one probe in this time at most: at a high rate, a server that does not run for 100 ms would else
/// get thousands of connections. Lanes of up to 5,000/s never meet this limit.
const RISE: Duration = Duration::from_micros(200);
/// After a calm time the level may rise by this many at once: short hiccups of a server are common.
const RISE_AT_ONCE: u32 = 50;
/// Slots wait no longer once the thread was idle for this long with no room for them: then it is the server that is
/// slow, and to hold them back would delay the slots behind them. The newest are sent, the others dropped.
const MAX_WAIT: Duration = Duration::from_millis(2);

/// Concurrency of one lane in one thread.
#[derive(Debug)]
pub(super) struct Concurrency {
    /// The level is never lower than this.
    floor: usize,
    under_way: Cell<usize>,
    /// The highest concurrency of punctual slots in this window, and in the one before.
    peaks: Cell<(usize, usize)>,
    window_start: Cell<Offset>,
    /// When the rises of the level so far would have been over at one in each [`RISE`].
    risen_until: Cell<Offset>,
    /// Idle time of the thread since slots began to wait for room.
    waited: Cell<Duration>,
}

/// The decision on a slot that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The slot is sent now; it sets the level, or stays within it.
    Send { sets_level: bool },
    /// The slot waits until answers have been read, and so do the slots behind it.
    Wait,
    /// The slot is not sent: there was no room for too long.
    Drop(Unsent),
}

impl Concurrency {
    pub(super) fn new(floor: usize) -> Self {
        Self {
            floor,
            under_way: Cell::new(0),
            peaks: Cell::new((0, 0)),
            window_start: Cell::new(Offset::ZERO),
            risen_until: Cell::new(Offset::ZERO),
            waited: Cell::new(Duration::ZERO),
        }
    }

    /// The level: concurrency that the server's response times called for lately.
    pub(super) fn level(&self) -> usize {
        let (current, before) = self.peaks.get();
        self.floor.max(current).max(before)
    }

    /// Decides at `now` on a slot that is late by `late`; `newer` slots are due as well. The newest may raise the level
    /// however late it is: at a low rate no other slot says how the service is. `idle` is how long the thread had
    /// nothing to do since the last decision.
    pub(super) fn admit(&self, now: Offset, late: Duration, newer: u64, idle: Duration) -> Admission {
        let sets_level = late <= PUNCTUAL || newer == 0;
        if self.under_way.get() < self.level() {
            if sets_level {
                self.waited.set(Duration::ZERO);
            }
            return Admission::Send { sets_level };
        }
        self.waited.set(self.waited.get() + idle);
        let over = self.waited.get() >= MAX_WAIT;
        if (sets_level || (over && newer < self.floor as u64)) && self.rise(now) {
            if newer == 0 {
                self.waited.set(Duration::ZERO);
            }
            return Admission::Send { sets_level: true };
        }
        match (over, late <= PUNCTUAL) {
            (false, _) => Admission::Wait,
            (true, true) => Admission::Drop(Unsent::Concurrency),
            (true, false) => Admission::Drop(Unsent::Stall),
        }
    }

    /// Lets the level rise by one, if it did not rise too fast lately.
    fn rise(&self, now: Offset) -> bool {
        let until = self.risen_until.get().max(now) + RISE;
        let may = until.since(now) <= RISE * RISE_AT_ONCE;
        if may {
            self.risen_until.set(until);
        }
        may
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
    const STALL: Admission = Admission::Drop(Unsent::Stall);
    const NOW: Offset = Offset::ZERO;

    #[test]
    fn punctual_slots_raise_the_level_and_late_ones_stay_within_it() {
        let lane = Concurrency::new(2);
        for _ in 0..5 {
            assert_eq!(lane.admit(NOW, PUNCTUAL, 9, BUSY), SET);
            lane.begin(Offset::ZERO, true);
        }
        assert_eq!(lane.level(), 5);
        assert_eq!(lane.admit(NOW, LATE, 9, BUSY), Admission::Wait);
        lane.end();
        assert_eq!(lane.admit(NOW, LATE, 9, BUSY), Admission::Send { sets_level: false });
        lane.begin(Offset::ZERO, false);
        assert_eq!((lane.level(), lane.admit(NOW, LATE, 9, BUSY)), (5, Admission::Wait));
        assert_eq!(lane.admit(NOW, LATE, 0, BUSY), SET, "the newest slot is sent however late it is");
    }

    #[test]
    fn late_slots_wait_while_the_thread_is_busy_and_are_dropped_once_the_server_is_the_slow_one() {
        let lane = Concurrency::new(2);
        (0..2).for_each(|_| lane.begin(Offset::ZERO, true));
        assert_eq!([(); 1_000].map(|()| lane.admit(NOW, LATE, 3, BUSY)), [Admission::Wait; 1_000]);
        assert_eq!(lane.admit(NOW, LATE, 3, MAX_WAIT / 2), Admission::Wait);
        assert_eq!(lane.admit(NOW, LATE, 3, MAX_WAIT / 2), STALL);
        assert_eq!(lane.admit(NOW, LATE, 2, BUSY), STALL, "all that are late go together");
        assert_eq!(lane.admit(NOW, LATE, 1, BUSY), SET, "as many of the newest as the lane has connections are sent");
        assert_eq!(lane.admit(NOW, PUNCTUAL, 3, BUSY), SET, "hung probes do not hold up punctual slots");
        assert_eq!(lane.admit(NOW, LATE, 3, BUSY), STALL);
        lane.end();
        lane.end();
        assert_eq!(lane.admit(NOW, PUNCTUAL, 3, BUSY), SET, "there is room again");
        lane.begin(NOW, true);
        lane.begin(NOW, true);
        lane.begin(NOW, true);
        assert_eq!(lane.admit(NOW, LATE, 3, BUSY), Admission::Wait, "and patience");
    }

    #[test]
    fn the_level_rises_by_so_many_at_once_and_then_by_so_many_a_millisecond() {
        let lane = Concurrency::new(2);
        let admit = |now, idle| {
            let admission = lane.admit(now, PUNCTUAL, 9, idle);
            if matches!(admission, Admission::Send { .. }) {
                lane.begin(now, true);
            }
            admission
        };
        assert_eq!([(); 52].map(|()| admit(NOW, BUSY)), [SET; 52], "as many as its connections, and 50 more");
        assert_eq!(admit(NOW, BUSY), Admission::Wait);
        assert_eq!(admit(NOW, MAX_WAIT), Admission::Drop(Unsent::Concurrency));
        let later = NOW + RISE * 5;
        let sent = [(); 9].map(|()| admit(later, BUSY) == SET);
        assert_eq!(sent, [true, true, true, true, true, false, false, false, false]);
        lane.end();
        assert_eq!(admit(later, BUSY), SET, "within the level nothing is limited");
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
