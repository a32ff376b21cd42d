//! Renders the live page when a browser waits for one, at a limited rate.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::follower::Follower;
use lapse_report::html::{self, RunState};

/// The minimum time between two pages.
const PACE: Duration = Duration::from_secs(1);
/// The interval at which to look for a run that has not begun.
const EARLY: Duration = Duration::from_millis(100);

/// A rendered page; a higher version is newer.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The version; 0 if there is no page yet.
    pub(super) version: u64,
    pub(super) html: Bytes,
    /// Whether this is the final report.
    pub(super) is_final: bool,
}

/// The newest page, shared between the renderer and the server.
#[derive(Clone, Debug)]
pub(super) struct Pages(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    newest: watch::Sender<Page>,
    /// Notified when a browser waits for a newer page.
    wanted: Notify,
    /// The number of browsers that wait now.
    waiting: AtomicUsize,
    /// The number of browsers that have yet to fetch the final page, and the channel to notify when it is zero.
    farewell: Mutex<(usize, Option<SyncSender<()>>)>,
}

/// Counts a waiting browser until it is dropped.
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
    /// The next page that is newer than `version`.
    pub(super) async fn after(&self, version: u64) -> Page {
        let mut newest = self.0.newest.subscribe();
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.0.waiting);
        self.0.wanted.notify_one();
        let page = newest.wait_for(|page| page.version > version).await;
        page.map(|page| page.clone()).unwrap_or_default()
    }

    /// Records that a browser has received the whole final page.
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
        if is_final {
            self.0.wanted.notify_one();
        }
    }

    /// Publishes the final page. The receiver gets a message once all waiting browsers have fetched it; `None` if there
    /// are none.
    pub(super) fn end(&self, html: String) -> Option<Receiver<()>> {
        let waiting = self.0.waiting.load(Ordering::Relaxed);
        let (tell, fetched) = sync_channel(1);
        *self.0.farewell.lock().unwrap_or_else(PoisonError::into_inner) = (waiting, Some(tell));
        self.publish(html, true);
        (waiting > 0).then_some(fetched)
    }
}

/// Renders pages of the run in `folder` whenever a browser waits for one, until the final one is published.
pub(super) async fn follow(folder: &Path, pages: Pages) {
    let mut run = Follower::of(folder, PACE);
    loop {
        pages.0.wanted.notified().await;
        if pages.0.newest.borrow().is_final {
            return;
        }
        if run.read(|record| pages.publish(html::page(record, RunState::GoesOn), false)).is_some() {
            sleep(run.rest()).await;
        } else {
            sleep(EARLY).await;
            pages.0.wanted.notify_one();
        }
    }
}
