//! Deadlines of probes under way.
//!
//! All probes have the same time limits and start in order, so their deadlines are in order too: a queue for each kind
//! is enough, checked whenever the worker wakes. Time in which the prober itself did not run does not count.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use lapse_measure::time::Offset;

/// The stage of a probe, which decides whether its connect deadline, its answer deadline or none applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Connecting,
    Answering,
    Over,
}

/// The two deadlines of a probe: for its connection and for its answer. They serve one probe after the other.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    /// The number of probes that they have served: entries of earlier ones are void.
    turn: Cell<u64>,
    stage: Cell<Stage>,
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The deadlines of all probes under way in one thread.
#[derive(Debug)]
pub(super) struct Deadlines {
    to_connect: Queue,
    to_answer: Queue,
}

/// The deadlines of one kind. Each is the same time after its probe's start, so they fall due in the order of the
/// starts.
#[derive(Debug)]
struct Queue {
    /// The last stage at which a probe can still miss a deadline of this kind.
    stage: Stage,
    /// The time from a probe's start to its deadline.
    patience: Duration,
    waiting: RefCell<VecDeque<Waiting>>,
}

/// A deadline that may fall due.
#[derive(Debug)]
struct Waiting {
    at: Offset,
    deadline: Rc<Deadline>,
    turn: u64,
}

// === impl Deadline ===

impl Deadline {
    /// Begins the next turn, and returns its number.
    fn begin(&self) -> u64 {
        self.stage.set(Stage::Connecting);
        self.expired.set(false);
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }

    /// Notes that the probe has a connection: from now on only its answer deadline applies.
    pub(super) fn connected(&self) {
        self.stage.set(self.stage.get().max(Stage::Answering));
    }

    /// Waits for `work` until a deadline expires; `None` if that came first. The expiry is noticed at the next
    /// [`Deadlines::sweep`].
    pub(super) async fn bound<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let outcome = std::future::poll_fn(|cx| {
            if let Poll::Ready(value) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            if self.expired.get() {
                return Poll::Ready(None);
            }
            let mut waker = self.waker.borrow_mut();
            if waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Pending
        });
        let outcome = outcome.await;
        self.stage.set(Stage::Over);
        outcome
    }

    fn expire(&self) {
        self.expired.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

// === impl Deadlines ===

impl Deadlines {
    /// Creates the queues, with the times from a probe's start to its two deadlines.
    pub(super) fn new(to_connect: Duration, to_answer: Duration) -> Self {
        Self {
            to_connect: Queue::new(Stage::Connecting, to_connect),
            to_answer: Queue::new(Stage::Answering, to_answer),
        }
    }

    /// Sets the deadlines of another probe, which starts at `now`. Time in which the prober itself did not run is to be left
    /// out of `now` here and in [`sweep`](Self::sweep), so that a stall of the prober is no timeout of the service.
    pub(super) fn begin(&self, deadline: &Rc<Deadline>, now: Offset) {
        let turn = deadline.begin();
        for queue in [&self.to_connect, &self.to_answer] {
            let waiting = Waiting { at: now + queue.patience, deadline: Rc::clone(deadline), turn };
            queue.waiting.borrow_mut().push_back(waiting);
        }
    }

    /// Expires the deadlines that are due at `now` and wakes their probes.
    pub(super) fn sweep(&self, now: Offset) {
        self.to_connect.sweep(now);
        self.to_answer.sweep(now);
    }
}

impl Queue {
    fn new(stage: Stage, patience: Duration) -> Self {
        Self { stage, patience, waiting: RefCell::default() }
    }

    fn sweep(&self, now: Offset) {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(Waiting { at, deadline, turn }) = waiting.front() {
            if deadline.turn.get() == *turn && deadline.stage.get() <= self.stage {
                if *at > now {
                    return;
                }
                deadline.expire();
            }
            waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;

    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn begun(deadlines: &Deadlines, now: Offset) -> Rc<Deadline> {
        let deadline = Rc::default();
        deadlines.begin(&deadline, now);
        deadline
    }

    #[tokio::test]
    async fn a_deadline_of_an_earlier_probe_is_void() {
        let deadlines = Deadlines::new(MILLI * 10, MILLI * 10);
        let deadline = begun(&deadlines, Offset::ZERO);
        assert_eq!(deadline.bound(pin!(async { 1 })).await, Some(1));
        deadlines.begin(&deadline, Offset::from_millis(5));
        deadlines.sweep(Offset::from_millis(14));
        assert_eq!(deadline.bound(pin!(async { 2 })).await, Some(2));
        deadlines.begin(&deadline, Offset::from_millis(15));
        deadlines.sweep(Offset::from_millis(25));
        assert_eq!(deadline.bound(pin!(pending::<u8>())).await, None);
    }

    #[tokio::test]
    async fn a_deadline_ends_only_the_probe_that_missed_it() {
        let deadlines = Deadlines::new(MILLI * 10, MILLI * 10);
        let (first, second) = (begun(&deadlines, Offset::ZERO), begun(&deadlines, Offset::from_millis(5)));
        deadlines.sweep(Offset::from_millis(9));
        assert_eq!(first.bound(pin!(async { 1 })).await, Some(1));
        deadlines.sweep(Offset::from_millis(14));
        assert_eq!(second.bound(pin!(async { 2 })).await, Some(2));
        let third = begun(&deadlines, Offset::from_millis(14));
        deadlines.sweep(Offset::from_millis(24));
        assert_eq!(third.bound(pin!(pending::<u8>())).await, None);
    }

    #[tokio::test]
    async fn a_connected_probe_has_until_the_answer_deadline() {
        let deadlines = Deadlines::new(MILLI * 10, MILLI * 60);
        let (connected, other) = (begun(&deadlines, Offset::ZERO), begun(&deadlines, Offset::ZERO));
        connected.connected();
        deadlines.sweep(Offset::from_millis(59));
        assert_eq!(other.bound(pin!(pending::<u8>())).await, None);
        assert_eq!(connected.bound(pin!(async { 1 })).await, Some(1));
        let late = begun(&deadlines, Offset::ZERO);
        late.connected();
        deadlines.sweep(Offset::from_millis(60));
        assert_eq!(late.bound(pin!(pending::<u8>())).await, None);
    }
}
