//! Bursts: the failures of one lane, gathered as they come, so that memory grows with their number and not with time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::answer::Probe;
use super::latency::Distribution;
use super::time::Offset;

/// An episode ends when every lane has been up for this long.
pub const QUIET: Duration = Duration::from_secs(1);

/// Distinct peers that a burst remembers; failures at further ones are counted without a name.
const PEERS: usize = 256;

/// Failures of one lane, none further than [`QUIET`] from the next.
#[derive(Clone, Debug)]
pub struct Burst {
    /// When its first failed slot was due.
    pub from: Offset,
    /// When its last failed slot was due.
    pub to: Offset,
    pub(super) peers: BTreeMap<Option<SocketAddr>, u64>,
    pub(super) time_to_fail: Distribution,
}

impl Burst {
    /// Adds a failed probe to the burst that it belongs to, or to a new one.
    pub(super) fn gather(bursts: &mut Vec<Self>, probe: &Probe, peer: Option<SocketAddr>) {
        if bursts.last().is_none_or(|last| probe.due.since(last.to) > QUIET) {
            let (peers, time_to_fail) = (BTreeMap::new(), Distribution::coarse());
            bursts.push(Self { from: probe.due, to: probe.due, peers, time_to_fail });
        }
        if let Some(burst) = bursts.last_mut() {
            burst.to = probe.due;
            burst.time_to_fail.record(probe.done.since(probe.sent));
            let known = burst.peers.len() < PEERS || burst.peers.contains_key(&peer);
            *burst.peers.entry(peer.filter(|_| known)).or_insert(0) += 1;
        }
    }
}
