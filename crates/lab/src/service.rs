//! The service hop: layer 4, like kube-proxy. A new connection goes to a random pod of a delayed list and stays with
//! that pod.
//!
//! The connection itself is handed to the pod, as DNAT does it, so that whatever the pod does to it reaches the client.
//! A listed pod that no longer listens refuses its share of new connections. The kernel refuses only at a closed port,
//! so the port is closed for that share of the time, in slices short enough that connections made one by one see the
//! same odds. SYNs to a pod without network are dropped; retries from the same port are dropped too, also after the pod
//! has left the list (conntrack affinity).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use super::endpoints::List;
use super::ledger::{Entry, InjectedFault};
use super::pod::Pod;
use super::world_log::WorldLog;
use lapse_gate::{GatedListener, PendingConnects, SynFilter};
use lapse_measure::time::Offset;
use lapse_record::event::EventKind;

/// The time for which the port stays open or closed before that is drawn anew.
const SLICE: Duration = Duration::from_millis(1);

/// The number of listed pods by what they do with a new connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Odds {
    /// Pods that accept.
    listening: usize,
    /// Pods that refuse.
    refusing: usize,
    /// Pods without network, where the SYN is dropped.
    swallowing: usize,
}

/// The service hop with its port.
#[derive(Debug)]
pub(super) struct Service {
    gate: GatedListener,
    /// The listener while the port is open.
    listener: Option<TcpListener>,
    filter: SynFilter,
    /// The odds that the filter was made from.
    odds: Odds,
    /// The time since which these odds hold.
    since: Offset,
    /// Clients whose SYNs are being dropped.
    pending: PendingConnects,
    log: Arc<WorldLog>,
}

impl Service {
    /// Opens the service's port. Fails where the kernel refuses to listen.
    pub(super) fn open(gate: GatedListener, log: Arc<WorldLog>) -> io::Result<Self> {
        let listener = Some(gate.open()?);
        let pending = PendingConnects::at(gate.address());
        let (odds, since) = (Odds::default(), Offset::ZERO);
        Ok(Self { gate, listener, filter: SynFilter::share(0, 1), odds, since, pending, log })
    }

    /// Routes by `copy`; never returns.
    pub(super) async fn run(mut self, mut copy: watch::Receiver<List>) {
        let mut pulse = self.log.pulse();
        loop {
            // Marked as seen before reading, so that no change is missed in between.
            pulse.mark_unchanged();
            let list = copy.borrow_and_update().clone();
            let odds = Odds::of(&list);
            self.sift(odds);
            let mut pending = self.pending.watch();
            let changed = async {
                tokio::select! { _ = pulse.changed() => {}, _ = copy.changed() => {}, _ = pending.changed() => {} }
            };
            match odds {
                Odds { listening: 0, swallowing: 0, .. } => self.refuse(&list, changed).await,
                Odds { refusing: 0, .. } => self.pass_on(&list, changed).await,
                odds if fastrand::usize(..odds.all()) < odds.refusing => self.refuse(&list, sleep(SLICE)).await,
                _ => self.pass_on(&list, sleep(SLICE)).await,
            }
        }
    }

    /// Updates the SYN filter: a share by `odds` (of the connections that are not refused), and all pending ports.
    fn sift(&mut self, odds: Odds) {
        let (before, now) = (std::mem::replace(&mut self.odds, odds), self.log.now());
        if (odds.swallowing, odds.listening) != (before.swallowing, before.listening) {
            if before.swallowing > 0 {
                let cause = format!("{} of {} listed pods had no network", before.swallowing, before.all());
                let (by, what) = ("service".to_owned(), InjectedFault::Swallowed);
                self.log.enter(Entry { from: self.since, to: now, by, what, client: None, cause });
            }
            self.since = now;
            self.filter = SynFilter::share(odds.swallowing, odds.swallowing + odds.listening);
            self.pending.look_out(odds.swallowing > 0);
        } else if !self.pending.has_changed() {
            return;
        }
        self.filter.hold(self.pending.ports());
        if let Err(error) = self.gate.sift(&self.filter) {
            self.log.tell(EventKind::LabTrouble, format!("the service cannot let connections vanish: {error}"));
        }
    }

    /// Accepts connections and hands them to pods until `until`.
    async fn pass_on(&mut self, list: &List, until: impl Future<Output = ()>) {
        if self.listener.is_none() {
            match self.gate.open() {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => self.log.tell(EventKind::LabTrouble, format!("the service cannot listen: {error}")),
            }
        }
        let Some(listener) = &self.listener else { return until.await };
        tokio::select! {
            biased;
            () = until => {}
            () = accept(listener, list) => {}
        }
    }

    /// Closes the port until `until`.
    async fn refuse(&mut self, list: &List, until: impl Future<Output = ()>) {
        // Connections in the backlog were accepted by the kernel: pass them on first.
        while self.listener.is_some()
            && let Some((stream, client)) = self.gate.waiting()
        {
            hand_over(list, stream, client);
        }
        self.listener = None;
        self.gate.shut();
        let from = self.log.now();
        let refuses = |pod: &&Arc<Pod>| !pod.app().listens() && !pod.swallows();
        let dead: Vec<_> = list.iter().filter(refuses).map(|pod| pod.name()).collect();
        let cause =
            if dead.is_empty() { "no pod is listed".to_owned() } else { format!("still lists {}", dead.join(" ")) };
        until.await;
        let (to, by, what) = (self.log.now(), "service".to_owned(), InjectedFault::Shut);
        self.log.enter(Entry { from, to, by, what, client: None, cause });
    }
}

async fn accept(listener: &TcpListener, list: &List) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => hand_over(list, stream, client),
            // No descriptor is free, or the client has gone: try again.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Gives the connection to a random pod that listens. Without one the connection is dropped: the client came too late
/// to be refused, and gets an end of file or a reset.
fn hand_over(list: &List, stream: TcpStream, client: SocketAddr) {
    let listening: Vec<_> = list.iter().filter(|pod| pod.app().listens()).collect();
    if let Some(pod) = fastrand::choice(listening) {
        pod.app().welcome(stream, client);
    }
}

impl Odds {
    fn of(list: &List) -> Self {
        let count = |what: fn(&Pod) -> bool| list.iter().filter(|pod| what(pod)).count();
        let (listening, swallowing) = (count(|pod| pod.app().listens()), count(Pod::swallows));
        Self { listening, refusing: list.len() - listening - swallowing, swallowing }
    }

    const fn all(self) -> usize {
        self.listening + self.refusing + self.swallowing
    }
}
