//! Deadlines of probes under way.
//!
//! All probes have the same patience and are sent in order, so deadlines come in order too: a queue will
//! do, looked at whenever the engine wakes. Time in which the engine itself did not run does not count.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use lapse_measure::time::Offset;

/// How far a probe has come, for those who watch its deadlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Connecting,
    Answering,
    Over,
}

/// One probe's patience: to be connected, and to be answered.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    stage: Cell<Stage>,
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The deadlines of all probes under way.
#[derive(Debug)]
pub(super) struct Deadlines {
    to_connect: Queue,
    to_answer: Queue,
}

/// Those of one kind, in the order in which they come.
#[derive(Debug)]
struct Queue {
    /// They apply to probes that are not beyond it.
    stage: Stage,
    patience: Duration,
    waiting: RefCell<VecDeque<(Offset, Rc<Deadline>)>>,
}

// === impl Deadline ===

impl Deadline {
    /// The probe has its connection.
    pub(super) fn connected(&self) {
        self.stage.set(self.stage.get().max(Stage::Answering));
    }

    /// Waits for `work`, but not beyond this deadline: then there is nothing.
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
    /// Deadlines so long after a probe's beginning.
    pub(super) fn new(to_connect: Duration, to_answer: Duration) -> Self {
        Self {
            to_connect: Queue::new(Stage::Connecting, to_connect),
            to_answer: Queue::new(Stage::Answering, to_answer),
        }
    }

    /// Those of a probe that begins at `now`, in time that counts.
    pub(super) fn begin(&self, now: Offset) -> Rc<Deadline> {
        let deadline = Rc::new(Deadline::default());
        for queue in [&self.to_connect, &self.to_answer] {
            queue.waiting.borrow_mut().push_back((now + queue.patience, Rc::clone(&deadline)));
        }
        deadline
    }

    /// Lets those expire whose time has come.
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
        while let Some((at, deadline)) = waiting.front() {
            if deadline.stage.get() <= self.stage {
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

    #[tokio::test]
    async fn a_deadline_ends_what_takes_too_long_and_nothing_else() {
        let deadlines = Deadlines::new(MILLI * 10, MILLI * 10);
        let (first, second) = (deadlines.begin(Offset::ZERO), deadlines.begin(Offset::from_millis(5)));
        deadlines.sweep(Offset::from_millis(9));
        assert_eq!(first.bound(pin!(async { 1 })).await, Some(1));
        deadlines.sweep(Offset::from_millis(14));
        assert_eq!(second.bound(pin!(async { 2 })).await, Some(2));
        let third = deadlines.begin(Offset::from_millis(14));
        deadlines.sweep(Offset::from_millis(24));
        assert_eq!(third.bound(pin!(pending::<u8>())).await, None);
    }

    #[tokio::test]
    async fn who_is_connected_has_the_longer_patience() {
        let deadlines = Deadlines::new(MILLI * 10, MILLI * 60);
        let (connected, other) = (deadlines.begin(Offset::ZERO), deadlines.begin(Offset::ZERO));
        connected.connected();
        deadlines.sweep(Offset::from_millis(59));
        assert_eq!(other.bound(pin!(pending::<u8>())).await, None);
        assert_eq!(connected.bound(pin!(async { 1 })).await, Some(1));
        let late = deadlines.begin(Offset::ZERO);
        late.connected();
        deadlines.sweep(Offset::from_millis(60));
        assert_eq!(late.bound(pin!(pending::<u8>())).await, None);
    }
}
