//! Bursts: the failures of one lane, grouped as they arrive, so that memory grows with the number of bursts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::answer::{Class, Probe};
use super::latency::Distribution;
use super::time::Offset;

/// How long every lane must be up before an episode ends, at the least.
pub const EPISODE_GAP: Duration = Duration::from_secs(1);

/// The most distinct peers counted separately in a burst; failures at further peers are counted under `None`.
const MAX_PEERS: usize = 256;

/// The most classes whose times to fail are kept apart in a burst; those of further classes are counted under `None`.
const MAX_CLASSES: usize = 16;

/// Failures of one lane, each due no later than [`EPISODE_GAP`] after the one before.
#[derive(Clone, Debug)]
pub struct Burst {
    /// When the first failed slot was due.
    pub from: Offset,
    /// When the last failed slot was due.
    pub to: Offset,
    pub(super) peers: BTreeMap<Option<SocketAddr>, u64>,
    pub(super) times_to_fail: BTreeMap<Option<Class>, Distribution>,
}

impl Burst {
    /// Adds a failed probe to the last burst, or to a new one if that burst is over.
    pub(super) fn gather(bursts: &mut Vec<Self>, probe: &Probe, peer: Option<SocketAddr>) {
        if bursts.last().is_none_or(|last| probe.due.since(last.to) > EPISODE_GAP) {
            let (peers, times_to_fail) = (BTreeMap::new(), BTreeMap::new());
            bursts.push(Self { from: probe.due, to: probe.due, peers, times_to_fail });
        }
        if let Some(burst) = bursts.last_mut() {
            burst.to = probe.due;
            let class = Some(probe.class);
            let known = burst.times_to_fail.len() < MAX_CLASSES || burst.times_to_fail.contains_key(&class);
            let times = burst.times_to_fail.entry(class.filter(|_| known)).or_insert_with(Distribution::coarse);
            times.record(probe.done.since(probe.sent));
            let known = burst.peers.len() < MAX_PEERS || burst.peers.contains_key(&peer);
            *burst.peers.entry(peer.filter(|_| known)).or_insert(0) += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::probes;
    use super::*;

    #[test]
    fn classes_beyond_a_limit_share_one_distribution() {
        let mut bursts = Vec::new();
        for (status, probe) in (500..).zip(probes(&"x".repeat(100))) {
            Burst::gather(&mut bursts, &Probe { class: Class::Status(status), ..probe }, None);
        }
        let times = &bursts[0].times_to_fail;
        assert_eq!((times.len(), times[&None].count()), (MAX_CLASSES + 1, 100 - MAX_CLASSES as u64));
    }
}
