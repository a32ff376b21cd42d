//! The newest page, made when somebody waits for it, and no more often than the machine can well bear.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use lapse_hammer::clock::Clock;
use lapse_record::journal::Tail;
use lapse_report::html::{self, RunState};

/// From one page to the next, at the least.
const PACE: Duration = Duration::from_secs(1);
/// And at the least this many times what the last one took: no more than a tenth of a processor goes to onlookers.
const REST: u32 = 10;
/// How often to look for a run that has not begun.
const EARLY: Duration = Duration::from_millis(100);

/// A page; each is newer than those with a lower version.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// 0 if there is none yet.
    pub(super) version: u64,
    pub(super) html: Bytes,
    /// It is the last one.
    pub(super) is_final: bool,
}

/// The newest page, shared between who makes it and who serves it.
#[derive(Clone, Debug)]
pub(super) struct Pages(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    newest: watch::Sender<Page>,
    /// Somebody waits for a newer page.
    wanted: Notify,
    /// How many wait for one now.
    waiting: AtomicUsize,
    /// Who has yet to fetch the final page, and whom to tell when nobody has.
    farewell: Mutex<(usize, Option<SyncSender<()>>)>,
}

/// One that waits for a page, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Pages {
    fn default() -> Self {
        let (newest, _) = watch::channel(Page::default());
        let (wanted, waiting, farewell) = (Notify::new(), AtomicUsize::new(0), Mutex::new((0, None)));
        Self(Arc::new(Shared { newest, wanted, waiting, farewell }))
    }
}

impl Pages {
    /// A page that is newer than `version`, as soon as there is one.
    pub(super) async fn after(&self, version: u64) -> Page {
        let mut newest = self.0.newest.subscribe();
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.0.waiting);
        self.0.wanted.notify_one();
        let page = newest.wait_for(|page| page.version > version).await;
        page.map(|page| page.clone()).unwrap_or_default()
    }

    /// The whole of a final page went out to somebody.
    pub(super) fn was_fetched(&self) {
        let mut farewell = self.0.farewell.lock().unwrap_or_else(PoisonError::into_inner);
        farewell.0 = farewell.0.saturating_sub(1);
        if farewell.0 == 0
            && let Some(tell) = farewell.1.take()
        {
            let _ = tell.try_send(());
        }
    }

    fn publish(&self, html: String, is_final: bool) {
        self.0.newest.send_if_modified(|page| {
            if page.is_final {
                return false;
            }
            *page = Page { version: page.version + 1, html: html.into(), is_final };
            true
        });
    }

    /// Publishes the last page. Something is received when all who waited have fetched it; nothing if nobody waited.
    pub(super) fn end(&self, html: String) -> Option<Receiver<()>> {
        let waiting = self.0.waiting.load(Ordering::Relaxed);
        let (tell, fetched) = sync_channel(1);
        *self.0.farewell.lock().unwrap_or_else(PoisonError::into_inner) = (waiting, Some(tell));
        self.publish(html, true);
        (waiting > 0).then_some(fetched)
    }
}

/// Makes pages of the run in `folder` whenever somebody waits for one, until the final one is out.
pub(super) async fn follow(folder: &Path, pages: Pages) {
    let (mut tail, clock) = (Tail::of(folder), Clock::start());
    loop {
        pages.0.wanted.notified().await;
        let began = clock.now();
        // A journal that cannot be read leaves the page as it was; the run itself says what is wrong with it.
        let record = tail.advance().ok().and_then(|()| tail.record());
        let Some(record) = record else {
            sleep(EARLY).await;
            pages.0.wanted.notify_one();
            continue;
        };
        pages.publish(html::page(&record, RunState::GoesOn), false);
        drop(record);
        sleep(PACE.max(clock.now().since(began) * REST)).await;
    }
}
