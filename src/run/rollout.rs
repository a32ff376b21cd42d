//! What the cluster says of the rollout: when it is over, and whether there was one; and where its parts are.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use super::plan::{ClusterTarget, Noop};
use lapse_cluster::{Status, Watch, WatchUpdate};
use lapse_hammer::target::AddressList;

/// A rollout that is being followed.
#[derive(Debug)]
pub(crate) struct Rollout {
    watch: Watch,
    noop: Noop,
    status: Status,
    /// How much had changed when the event began.
    before: u64,
    /// From which confirmation on what is known is up to date.
    confirmed_by: Option<u64>,
    ended: bool,
    /// Where pods are to be found, and at which port; `None` for the one that each says it listens at.
    pod_lists: Vec<(AddressList, Option<u16>)>,
    /// Where they are, by the latest word, and the port that each says it listens at.
    pods: Vec<(IpAddr, Option<u16>)>,
    /// What was told before anybody asked.
    early: VecDeque<WatchUpdate>,
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
    /// Follows what `watch` tells.
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

    /// What is followed, for people.
    pub(crate) fn scope(&self) -> &str {
        self.watch.scope()
    }

    /// Where a target that is a part of the cluster is, kept up to date as the rollout goes on.
    pub(crate) async fn locate(&mut self, cluster_target: &ClusterTarget) -> Result<AddressList, NoService> {
        let addresses = AddressList::default();
        if let ClusterTarget::Pods(port) = cluster_target {
            self.pod_lists.push((addresses.clone(), *port));
        }
        // What is there has been told by now.
        while let Ok(told) = timeout(Duration::from_millis(10), self.hear()).await {
            self.early.push_back(told);
        }
        match cluster_target {
            ClusterTarget::Service(name, port) => {
                let found = self.watch.services().get(name);
                let (address, first) = found.ok_or_else(|| self.no_service(name))?;
                addresses.set(vec![SocketAddr::new(*address, port.unwrap_or(*first))]);
            }
            // Their whereabouts may have been told before anybody asked.
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

    /// What the cluster tells next; it may well be nothing, for ever.
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
        for (addresses, port) in &self.pod_lists {
            let pods = self.pods.iter().map(|(address, own)| SocketAddr::new(*address, port.or(*own).unwrap_or(80)));
            addresses.set(pods.collect());
        }
    }

    /// The event begins: what changes from here on is its doing.
    pub(crate) const fn event_begins(&mut self) {
        self.before = self.status.changes;
    }

    /// The command has ended: is the rollout complete as well? To be sure, the cluster is asked anew.
    pub(crate) fn command_ended(&mut self) {
        self.confirmed_by = Some(self.status.confirmed + 1);
        self.watch.confirm();
    }

    /// Whether there is nothing to wait for any more.
    pub(crate) fn is_over(&self) -> bool {
        let confirmed = self.confirmed_by.is_some_and(|by| self.status.confirmed >= by);
        self.ended || self.status.blindfolded || (confirmed && self.status.missing.is_empty())
    }

    /// What is still missing.
    pub(crate) fn missing(&self) -> String {
        match self.status.missing.as_slice() {
            [] => "the cluster does not say".to_owned(),
            missing => missing.join("; "),
        }
    }

    /// Why there is nothing to conclude, if the command has rolled nothing.
    pub(crate) fn noop(&self) -> Option<String> {
        let known = !self.ended && !self.status.blindfolded && self.confirmed_by.is_some();
        (known && self.noop == Noop::Inconclusive && self.status.changes == self.before).then(|| {
            let (scope, workloads) = (self.scope(), self.status.workloads);
            let what = if workloads == 0 { "no workload was seen" } else { "no template and no pod changed" };
            format!("nothing was rolled: of {scope} {what}; --allow-noop accepts that")
        })
    }
}
