//! Wakes tasks of this thread at a time to come. The runtime has no timer; the worker looks at the alarms when it wakes,
//! which is every 40 ms at least.

use std::cell::RefCell;
use std::task::Waker;

use lapse_measure::time::Offset;

thread_local! {
    static ALARMS: RefCell<Vec<(Offset, Waker)>> = const { RefCell::new(Vec::new()) };
}

/// Has the task of `waker` woken at the first sweep from `at` on, whether it still waits for that or not.
pub(super) fn wake(at: Offset, waker: &Waker) {
    ALARMS.with_borrow_mut(|alarms| alarms.push((at, waker.clone())));
}

/// Wakes the tasks whose time has come.
pub(super) fn sweep(now: Offset) {
    let is_due = |(at, _): &mut (Offset, Waker)| *at <= now;
    let due: Vec<_> = ALARMS.with_borrow_mut(|alarms| alarms.extract_if(.., is_due).collect());
    for (_, waker) in due {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_alarm_wakes_once_when_its_time_has_come() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        for ms in [30, 10, 20] {
            wake(Offset::from_millis(ms), &waker);
        }
        let woken = [9, 10, 25, 25, 30].map(|ms| {
            sweep(Offset::from_millis(ms));
            count.0.load(Ordering::Relaxed)
        });
        assert_eq!(woken, [0, 1, 2, 2, 3]);
    }
}
