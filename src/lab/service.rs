//! The service hop: layer 4, what kube-proxy does. A new connection goes to a random pod of a list that
//! is late, and stays with that pod.
//!
//! The connection itself is handed to the pod, as a rewritten address would do it: what the pod does to
//! it, the client sees. A listed pod that no longer listens refuses its share of the connections. Only a
//! shut door makes the kernel refuse, so the door is shut for that share of the time, in slices so short
//! that to connections which come one by one it is the same.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::chronicle::Chronicle;
use super::door::Door;
use super::endpoints::List;
use super::ledger::{Entry, Inflicted};

/// How long the door stays open or shut before that is drawn anew.
const SLICE: Duration = Duration::from_millis(1);

/// What becomes of a new connection, by the pods on the list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Chance {
    /// All listed pods listen.
    Open,
    /// None does.
    Shut,
    /// This share of them does not.
    Refused(f64),
}

/// A service in front of pods.
#[derive(Debug)]
pub(super) struct Service {
    door: Door,
    /// There while the door is open.
    listener: Option<TcpListener>,
    chronicle: Arc<Chronicle>,
}

impl Service {
    /// A service that is open from now on.
    pub(super) fn open(door: Door, chronicle: Arc<Chronicle>) -> io::Result<Self> {
        let listener = Some(door.open()?);
        Ok(Self { door, listener, chronicle })
    }

    /// Serves by `copy` for as long as there is a world.
    pub(super) async fn run(mut self, mut copy: watch::Receiver<List>) {
        let mut pulse = self.chronicle.pulse();
        loop {
            // Marked as seen before looking, so that no change slips in between.
            pulse.mark_unchanged();
            let list = copy.borrow_and_update().clone();
            let changed = async {
                tokio::select! { _ = pulse.changed() => {}, _ = copy.changed() => {} }
            };
            match chance(&list) {
                Chance::Open => self.pass_on(&list, changed).await,
                Chance::Shut => self.refuse(&list, changed).await,
                Chance::Refused(share) if fastrand::f64() < share => self.refuse(&list, sleep(SLICE)).await,
                Chance::Refused(_) => self.pass_on(&list, sleep(SLICE)).await,
            }
        }
    }

    /// Hands connections to pods until `until`.
    async fn pass_on(&mut self, list: &List, until: impl Future<Output = ()>) {
        if self.listener.is_none() {
            match self.door.open() {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => self.chronicle.tell("lab-trouble", format!("the service cannot listen: {error}")),
            }
        }
        let Some(listener) = &self.listener else { return until.await };
        tokio::select! {
            biased;
            () = until => {}
            () = accept(listener, list) => {}
        }
    }

    /// Refuses connections until `until`.
    async fn refuse(&mut self, list: &List, until: impl Future<Output = ()>) {
        // What waits has been let in already: it is no longer to be refused.
        while self.listener.is_some()
            && let Some((stream, client)) = self.door.waiting()
        {
            hand_over(list, stream, client);
        }
        self.listener = None;
        self.door.shut();
        let from = self.chronicle.now();
        until.await;
        let dead: Vec<_> = list.iter().filter(|pod| !pod.app().listens()).map(|pod| pod.name()).collect();
        let cause =
            if dead.is_empty() { "no pod is listed".to_owned() } else { format!("still lists {}", dead.join(" ")) };
        let (to, by, what) = (self.chronicle.now(), "service".to_owned(), Inflicted::Shut);
        self.chronicle.enter(Entry { from, to, by, what, client: None, cause });
    }
}

fn chance(list: &List) -> Chance {
    let dead = list.iter().filter(|pod| !pod.app().listens()).count();
    match dead {
        dead if dead == list.len() => Chance::Shut,
        0 => Chance::Open,
        dead => Chance::Refused(ratio(dead, list.len())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are at most some hundred pods")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

async fn accept(listener: &TcpListener, list: &List) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => hand_over(list, stream, client),
            // No descriptor is free, or the client has gone: the next one may fare better.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Gives the connection to a random pod that listens. If there is none left, it is dropped: the client
/// came too late to be refused, and sees an end of file or a reset.
fn hand_over(list: &List, stream: TcpStream, client: SocketAddr) {
    let listening: Vec<_> = list.iter().filter(|pod| pod.app().listens()).collect();
    if let Some(pod) = fastrand::choice(listening) {
        pod.app().welcome(stream, client);
    }
}
