//! What is to be sent next, and the tasks that wait to send it: to make a task for each probe takes longer than to send one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use tokio::sync::Notify;

/// As many tasks wait for an errand; others end.
const RESTING: usize = 256;

/// Work items, handed out in the order in which they came.
#[derive(Debug)]
pub(super) struct TaskPool<T> {
    waiting: RefCell<VecDeque<T>>,
    resting: Cell<usize>,
    roused: Notify,
}

impl<T> TaskPool<T> {
    pub(super) fn new() -> Self {
        Self { waiting: RefCell::default(), resting: Cell::new(0), roused: Notify::new() }
    }

    /// How many nobody has begun.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Adds one, and rouses the task that went to rest last: it is still in the processor's caches. False if none rests, so
    /// that one is to be made.
    pub(super) fn push(&self, errand: T) -> bool {
        self.waiting.borrow_mut().push_back(errand);
        let resting = self.resting.get();
        if resting > 0 {
            self.resting.set(resting - 1);
            self.roused.notify_last();
        }
        resting > 0
    }

    /// The next one, waited for; nothing if enough other tasks wait.
    pub(super) async fn next(&self) -> Option<T> {
        loop {
            // Another task may have taken in passing what this one was roused for.
            let next = self.waiting.borrow_mut().pop_front();
            if next.is_some() || self.resting.get() >= RESTING {
                return next;
            }
            self.resting.set(self.resting.get() + 1);
            self.roused.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn an_errand_goes_to_who_rested_last_and_is_done_once() {
        let tasks = TaskPool::new();
        let mut cx = Context::from_waker(Waker::noop());
        let (mut first, mut last) = (pin!(tasks.next()), pin!(tasks.next()));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(last.as_mut().poll(&mut cx), Poll::Pending);
        assert!(tasks.push(1));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(last.as_mut().poll(&mut cx), Poll::Ready(Some(1)));
        assert!(tasks.push(2));
        // Who comes by just then takes it, and who was roused rests again.
        assert_eq!(pin!(tasks.next()).poll(&mut cx), Poll::Ready(Some(2)));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert!(tasks.push(3));
        assert!(!tasks.push(4), "no task is parked");
        assert_eq!(tasks.waiting(), 2);
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Ready(Some(3)));
    }

    #[test]
    fn a_burst_leaves_no_more_tasks_than_may_rest() {
        let tasks = TaskPool::<u8>::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut all: Vec<_> = (0..=RESTING).map(|_| Box::pin(tasks.next())).collect();
        let ended = all.iter_mut().filter_map(|task| match task.as_mut().poll(&mut cx) {
            Poll::Ready(errand) => Some(errand),
            Poll::Pending => None,
        });
        assert_eq!(ended.collect::<Vec<_>>(), [None]);
    }
}
