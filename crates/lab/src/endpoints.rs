//! The list of ready pods, and the delayed copies that the hops route by.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::duration_range::DurationRange;
use super::ledger::{Entry, InjectedFault};
use super::pod::Pod;
use super::world_log::WorldLog;
use lapse_measure::time::Offset;
use lapse_record::event::{EventKind, Object, ObjectKind};

/// Pods in the order of their creation.
pub(super) type List = Vec<Arc<Pod>>;

/// The delay of a hop's copy of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lateness {
    /// The time from a change until the hop routes by it.
    pub(super) lag: DurationRange,
    /// The minimum time between two updates of the copy; changes in between are held back.
    pub(super) hold: DurationRange,
}

/// A new version of the list.
#[derive(Debug)]
struct ListChange {
    /// The time since which the version holds.
    since: Offset,
    list: List,
}

/// The current list of ready pods, and the copies to update.
#[derive(Debug)]
pub(super) struct Endpoints {
    log: Arc<WorldLog>,
    truth: List,
    copies: Vec<mpsc::UnboundedSender<ListChange>>,
}

impl Endpoints {
    pub(super) fn new(log: Arc<WorldLog>, truth: List) -> Self {
        for pod in &truth {
            pod.tell(EventKind::EndpointFound, "is in the list of endpoints");
        }
        Self { log, truth, copies: Vec::new() }
    }

    /// Creates a copy of the list for the hop `name`, delayed by `lateness`.
    pub(super) fn copy(&mut self, name: &str, lateness: Lateness) -> watch::Receiver<List> {
        let (sender, changes) = mpsc::unbounded_channel();
        self.copies.push(sender);
        let (copy, receiver) = watch::channel(self.truth.clone());
        tokio::spawn(follow(changes, copy, lateness, name.to_owned(), Arc::clone(&self.log)));
        receiver
    }

    /// Keeps the list and its copies up to date; never returns.
    pub(super) async fn run(mut self, ready: impl Fn() -> List) {
        let mut pulse = self.log.pulse();
        loop {
            self.set(ready());
            if pulse.changed().await.is_err() {
                return;
            }
        }
    }

    fn set(&mut self, list: List) {
        if names(&list) == names(&self.truth) {
            return;
        }
        for pod in missing(&list, &self.truth) {
            pod.tell(EventKind::EndpointAdded, "joins the list of endpoints");
        }
        for pod in missing(&self.truth, &list) {
            pod.tell(EventKind::EndpointRemoved, "leaves the list of endpoints");
        }
        let since = self.log.now();
        self.copies.retain(|copy| copy.send(ListChange { since, list: list.clone() }).is_ok());
        self.truth = list;
    }
}

async fn follow(
    mut changes: mpsc::UnboundedReceiver<ListChange>,
    copy: watch::Sender<List>,
    lateness: Lateness,
    hop: String,
    log: Arc<WorldLog>,
) {
    let mut next = Offset::ZERO;
    while let Some(ListChange { since, mut list }) = changes.recv().await {
        next = next.max(since + lateness.lag.draw());
        let held = next > since + lateness.lag.high();
        log.sleep_until(next).await;
        while held && let Ok(newer) = changes.try_recv() {
            list = newer.list;
        }
        next = log.now() + lateness.hold.draw();
        let cause = difference(&copy.send_replace(list.clone()), &list);
        let (to, what) = (log.now(), InjectedFault::Stale);
        log.enter(Entry { from: since, to, by: hop.clone(), what, client: None, cause });
        let text = format!("the {hop} goes by the new list: {}", names(&list).join(", "));
        log.tell_of(Object::new(ObjectKind::Hop, hop.as_str()), EventKind::HopSynced, text);
    }
}

fn names(list: &List) -> Vec<&str> {
    list.iter().map(|pod| pod.name()).collect()
}

fn missing<'a>(from: &'a List, there: &'a List) -> impl Iterator<Item = &'a Arc<Pod>> {
    from.iter().filter(|pod| !there.iter().any(|other| Arc::ptr_eq(pod, other)))
}

fn difference(old: &List, new: &List) -> String {
    let said = |verb: &str, pods: Vec<&str>| {
        if pods.is_empty() { String::new() } else { format!("{verb} {}", pods.join(" ")) }
    };
    let stale = said("still listed", missing(old, new).map(|pod| pod.name()).collect());
    let fresh = said("lacked", missing(new, old).map(|pod| pod.name()).collect());
    [stale, fresh].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
