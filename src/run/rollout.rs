//! What the cluster says of the rollout: when it is over, and whether there was one.

use crate::events::kubernetes::{Status, Told, Watch};

use super::plan::Noop;

/// A rollout that is being followed.
#[derive(Debug)]
pub struct Rollout {
    watch: Watch,
    noop: Noop,
    status: Status,
    /// How much had changed when the event began.
    before: u64,
    /// From which confirmation on what is known is up to date.
    confirmed_by: Option<u64>,
    ended: bool,
}

impl Rollout {
    /// Follows what `watch` tells.
    pub fn new(watch: Watch, noop: Noop) -> Self {
        Self { watch, noop, status: Status::default(), before: 0, confirmed_by: None, ended: false }
    }

    /// What is followed, for people.
    pub fn scope(&self) -> &str {
        self.watch.scope()
    }

    /// What the cluster tells next; it may well be nothing, for ever.
    pub async fn next(&mut self) -> Told {
        if !self.ended {
            match self.watch.next().await {
                Some(Told::Status(status)) => {
                    self.status = status.clone();
                    return Told::Status(status);
                }
                Some(told) => return told,
                None => self.ended = true,
            }
        }
        std::future::pending().await
    }

    /// The event begins: what changes from here on is its doing.
    pub const fn event_begins(&mut self) {
        self.before = self.status.changes;
    }

    /// The command has ended: is the rollout complete as well? To be sure, the cluster is asked anew.
    pub fn command_ended(&mut self) {
        self.confirmed_by = Some(self.status.confirmed + 1);
        self.watch.confirm();
    }

    /// Whether there is nothing to wait for any more.
    pub fn is_over(&self) -> bool {
        let confirmed = self.confirmed_by.is_some_and(|by| self.status.confirmed >= by);
        self.ended || self.status.blindfolded || (confirmed && self.status.missing.is_empty())
    }

    /// What is still missing.
    pub fn missing(&self) -> String {
        match self.status.missing.as_slice() {
            [] => "the cluster does not say".to_owned(),
            missing => missing.join("; "),
        }
    }

    /// Why there is nothing to conclude, if the command has rolled nothing.
    pub fn noop(&self) -> Option<String> {
        let known = !self.ended && !self.status.blindfolded && self.confirmed_by.is_some();
        (known && self.noop == Noop::Inconclusive && self.status.changes == self.before).then(|| {
            let (scope, workloads) = (self.scope(), self.status.workloads);
            let what = if workloads == 0 { "no workload was seen" } else { "no template and no pod changed" };
            format!("nothing was rolled: of {scope} {what}; --allow-noop accepts that")
        })
    }
}
