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

use crate::measure::time::Offset;

/// One probe's patience.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    expired: Cell<bool>,
    /// The first part of the way is behind it, or all of it.
    past: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The deadlines of one kind: to be connected, or to be answered.
#[derive(Debug)]
pub(super) struct Deadlines {
    patience: Duration,
    queue: RefCell<VecDeque<(Offset, Rc<Deadline>)>>,
}

impl Deadline {
    /// It does not apply any more.
    pub(super) fn meet(&self) {
        self.past.set(true);
    }

    /// Waits for `work`, but not beyond this deadline, nor beyond `other`: then there is nothing.
    pub(super) fn bound<T>(
        &self,
        other: &Self,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> impl Future<Output = Option<T>> {
        std::future::poll_fn(move |cx| {
            if let Poll::Ready(value) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            if self.expired.get() || other.expired.get() {
                return Poll::Ready(None);
            }
            for deadline in [self, other] {
                let mut waker = deadline.waker.borrow_mut();
                if waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
                    *waker = Some(cx.waker().clone());
                }
            }
            Poll::Pending
        })
    }
}

impl Deadlines {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, queue: RefCell::default() }
    }

    /// A deadline for a probe that begins at `now`, in time that counts.
    pub(super) fn begin(&self, now: Offset) -> Rc<Deadline> {
        let deadline = Rc::new(Deadline::default());
        self.queue.borrow_mut().push_back((now + self.patience, Rc::clone(&deadline)));
        deadline
    }

    /// Lets those expire whose time has come.
    pub(super) fn sweep(&self, now: Offset) {
        let mut queue = self.queue.borrow_mut();
        while let Some((at, deadline)) = queue.front() {
            if !deadline.past.get() {
                if *at > now {
                    return;
                }
                deadline.expired.set(true);
                if let Some(waker) = deadline.waker.borrow_mut().take() {
                    waker.wake();
                }
            }
            queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_deadline_ends_what_takes_too_long_and_nothing_else() {
        let deadlines = Deadlines::new(Duration::from_millis(10));
        let (first, second) = (deadlines.begin(Offset::ZERO), deadlines.begin(Offset::from_millis(5)));
        let none = Deadline::default();
        deadlines.sweep(Offset::from_millis(9));
        assert_eq!(first.bound(&none, pin!(async { 1 })).await, Some(1));
        first.meet();
        deadlines.sweep(Offset::from_millis(14));
        assert_eq!(second.bound(&none, pin!(async { 2 })).await, Some(2));
        deadlines.sweep(Offset::from_millis(15));
        assert_eq!(second.bound(&none, pin!(std::future::pending::<u8>())).await, None);
    }
}
