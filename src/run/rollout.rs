//! The rollout in a cluster as a run sees it: whether it is complete, whether there was one, and where its targets are.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::plan::{ClusterTarget, Noop};
use lapse_cluster::{PodAddress, Status, Watch, WatchUpdate};
use lapse_hammer::target::AddressList;

/// A rollout that is being followed.
#[derive(Debug)]
pub(crate) struct Rollout {
    watch: Watch,
    noop: Noop,
    status: Status,
    /// The number of changes when the event began.
    before: u64,
    /// The confirmation from which on the known state is current.
    confirmed_by: Option<u64>,
    ended: bool,
    /// The addresses to keep up to date.
    pod_lists: Vec<PodList>,
    /// The pods' latest addresses.
    pods: Vec<PodAddress>,
    /// Updates received before the session asked for any.
    early: VecDeque<WatchUpdate>,
}

/// The addresses of a target that is the rollout's pods.
#[derive(Debug)]
struct PodList {
    addresses: AddressList,
    /// The port of all pods; `None` for the port that each pod declares.
    port: Option<u16>,
}

/// A service that the cluster does not have.
#[derive(Debug, thiserror::Error)]
#[error("there is no service {name} with an address beside {scope}: {known}")]
pub(crate) struct NoService {
    name: String,
    scope: String,
    known: String,
}

impl Rollout {
    /// Follows the updates of `watch`.
    pub(crate) fn new(watch: Watch, noop: Noop) -> Self {
        Self {
            watch,
            noop,
            status: Status::default(),
            before: 0,
            confirmed_by: None,
            ended: false,
            pod_lists: Vec::new(),
            pods: Vec::new(),
            early: VecDeque::new(),
        }
    }

    /// The followed part of the cluster, for people.
    pub(crate) fn scope(&self) -> &str {
        self.watch.scope()
    }

    /// The addresses of a target in the cluster; the list is updated as the rollout proceeds. Fails if there is no such
    /// service.
    pub(crate) async fn locate(&mut self, cluster_target: &ClusterTarget) -> Result<AddressList, NoService> {
        let addresses = AddressList::default();
        if let ClusterTarget::Pods(port) = cluster_target {
            self.pod_lists.push(PodList { addresses: addresses.clone(), port: *port });
        }
        // Process what the watch has received so far.
        while let Ok(told) = timeout(Duration::from_millis(10), self.hear()).await {
            self.early.push_back(told);
        }
        match cluster_target {
            ClusterTarget::Service(name, port) => {
                let found = self.watch.services().get(name);
                let address = found.ok_or_else(|| self.no_service(name))?;
                addresses.set(vec![SocketAddr::new(address.ip(), port.unwrap_or(address.port()))]);
            }
            // The pods' addresses may have been received before.
            ClusterTarget::Pods(_) => self.call(),
        }
        Ok(addresses)
    }

    fn no_service(&self, name: &str) -> NoService {
        let known: Vec<_> = self.watch.services().keys().map(String::as_str).collect();
        let warnings = self.early.iter().filter_map(|told| match told {
            WatchUpdate::Warning(text) => Some(text.as_str()),
            WatchUpdate::Event(_) | WatchUpdate::Status(_) | WatchUpdate::Pods(_) => None,
        });
        let none = || warnings.clone().find(|text| text.contains("services")).unwrap_or("none").to_owned();
        let known = if known.is_empty() { none() } else { known.join(", ") };
        NoService { name: name.to_owned(), scope: self.scope().to_owned(), known }
    }

    /// The next update of the cluster; may stay pending for ever.
    pub(crate) async fn next(&mut self) -> WatchUpdate {
        match self.early.pop_front() {
            Some(told) => told,
            None => self.hear().await,
        }
    }

    async fn hear(&mut self) -> WatchUpdate {
        while !self.ended {
            match self.watch.next().await {
                Some(WatchUpdate::Pods(pods)) => {
                    self.pods = pods;
                    self.call();
                }
                Some(WatchUpdate::Status(status)) => {
                    self.status = status.clone();
                    return WatchUpdate::Status(status);
                }
                Some(told) => return told,
                None => self.ended = true,
            }
        }
        std::future::pending().await
    }

    fn call(&self) {
        for PodList { addresses, port } in &self.pod_lists {
            let pods = self.pods.iter().map(|pod| SocketAddr::new(pod.ip, port.or(pod.port).unwrap_or(80)));
            addresses.set(pods.collect());
        }
    }

    /// Marks the beginning of the event: changes from here on count as the command's.
    pub(crate) const fn event_begins(&mut self) {
        self.before = self.status.changes;
    }

    /// Marks the end of the command, and asks the cluster for its current state to see whether the rollout is complete.
    pub(crate) fn command_ended(&mut self) {
        self.confirmed_by = Some(self.status.confirmed + 1);
        self.watch.confirm();
    }

    /// Whether there is nothing left to wait for: the rollout is complete, or can no longer be observed.
    pub(crate) fn is_over(&self) -> bool {
        let confirmed = self.confirmed_by.is_some_and(|by| self.status.confirmed >= by);
        self.ended || self.status.blindfolded || (confirmed && self.status.missing.is_empty())
    }

    /// The conditions that the rollout still waits for, as a clause.
    pub(crate) fn missing(&self) -> String {
        match self.status.missing.as_slice() {
            [] => "the cluster does not say".to_owned(),
            missing => missing.join("; "),
        }
    }

    /// Why the run is inconclusive, if the command has rolled nothing.
    pub(crate) fn noop(&self) -> Option<String> {
        let known = !self.ended && !self.status.blindfolded && self.confirmed_by.is_some();
        (known && self.noop == Noop::Inconclusive && self.status.changes == self.before).then(|| {
            let (scope, workloads) = (self.scope(), self.status.workloads);
            let what = if workloads == 0 { "no workload was seen" } else { "no template and no pod changed" };
            format!(
                "nothing was rolled yet: of {scope} {what}; if the command only starts a rollout, let it wait for that, \
                 or give a longer --settle; --allow-noop accepts that nothing is rolled"
            )
        })
    }
}
