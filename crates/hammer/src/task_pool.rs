//! A queue of work items and the idle tasks that serve it. Tasks are reused because spawning one takes longer than
//! sending a probe.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use tokio::sync::Notify;

/// The most tasks that stay idle; any further task ends when it finds the queue empty.
const MAX_IDLE: usize = 256;

/// A first-in first-out queue of work items, with the number of idle tasks. The caller spawns the tasks.
#[derive(Debug)]
pub(super) struct TaskPool<T> {
    queue: RefCell<VecDeque<T>>,
    idle: Cell<usize>,
    wake: Notify,
}

impl<T> TaskPool<T> {
    pub(super) fn new() -> Self {
        Self { queue: RefCell::default(), idle: Cell::new(0), wake: Notify::new() }
    }

    /// The number of items that no task has taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.queue.borrow().len()
    }

    /// Queues `item` and wakes the task that became idle last, whose data are the most likely to be in the CPU's
    /// caches. Returns false if no task is idle: the caller then has to spawn one.
    pub(super) fn push(&self, item: T) -> bool {
        self.queue.borrow_mut().push_back(item);
        let idle = self.idle.get();
        if idle > 0 {
            self.idle.set(idle - 1);
            self.wake.notify_last();
        }
        idle > 0
    }

    /// Takes the next item, waiting for one if need be. `None` tells the calling task to end: the queue is empty, and
    /// enough other tasks are idle.
    pub(super) async fn next(&self) -> Option<T> {
        loop {
            // After a wake-up the queue may be empty again: a busy task may have come by and taken the item.
            let next = self.queue.borrow_mut().pop_front();
            if next.is_some() || self.idle.get() >= MAX_IDLE {
                return next;
            }
            self.idle.set(self.idle.get() + 1);
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn an_item_wakes_the_task_idle_last_and_is_taken_once() {
        let tasks = TaskPool::new();
        let mut cx = Context::from_waker(Waker::noop());
        let (mut first, mut last) = (pin!(tasks.next()), pin!(tasks.next()));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(last.as_mut().poll(&mut cx), Poll::Pending);
        assert!(tasks.push(1));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(last.as_mut().poll(&mut cx), Poll::Ready(Some(1)));
        assert!(tasks.push(2));
        // A busy task takes the item first, so the task that was woken is idle again.
        assert_eq!(pin!(tasks.next()).poll(&mut cx), Poll::Ready(Some(2)));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        assert!(tasks.push(3));
        assert!(!tasks.push(4), "no task is idle");
        assert_eq!(tasks.waiting(), 2);
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Ready(Some(3)));
    }

    #[test]
    fn a_burst_leaves_no_more_idle_tasks_than_allowed() {
        let tasks = TaskPool::<u8>::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut all: Vec<_> = (0..=MAX_IDLE).map(|_| Box::pin(tasks.next())).collect();
        let ended = all.iter_mut().filter_map(|task| match task.as_mut().poll(&mut cx) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        });
        assert_eq!(ended.collect::<Vec<_>>(), [None]);
    }
}
