//! Episodes of a target: outages and single failures of all its lanes, clustered.
//!
//! Each lane gathers its failures into bursts as they come, so that memory grows with the number of
//! bursts; the bursts of all lanes are joined into episodes at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::answer::{Class, Health};
use super::burst::QUIET;
use super::lane::LaneId;
use super::latency::Distribution;
use super::observations::LaneObservations;
use super::outage::OutageId;
use super::span::Span;
use super::time::{Bounded, Offset};
use super::timeline::Timeline;

/// A stretch in which a target's lanes were not all well.
#[derive(Clone, Debug)]
pub struct Episode {
    /// When its first failed slot was due.
    pub from: Offset,
    /// When its last failed slot was due.
    pub to: Offset,
    /// From the first failure to the last, with bounds.
    pub span: Bounded,
    /// How many probes failed in it.
    pub failed: u64,
    /// How many probes were due in it.
    pub total: u64,
    /// The failed ones by class.
    pub classes: BTreeMap<Class, u64>,
    /// The failed ones by lane.
    pub lanes: BTreeMap<LaneId, u64>,
    /// The failed ones by peer; `None` for those that reached nobody, and for peers beyond the first few hundred.
    pub peers: BTreeMap<Option<SocketAddr>, u64>,
    /// From `sent` to `done` of the failed ones: a fingerprint of what failed.
    pub time_to_fail: Distribution,
    /// The strict outages in it, by lane and then by time.
    pub outages: Vec<OutageId>,
}

/// The episodes of the target that has these lanes, in the order of time.
pub fn find(lanes: &[&LaneObservations]) -> Vec<Episode> {
    clusters(lanes).into_iter().map(|failures| describe(lanes, failures)).collect()
}

/// Failures, and blind slots between and around them, none further than [`QUIET`] from the next.
struct Cluster {
    unwell_until: Offset,
    failures: Option<Span>,
}

impl Cluster {
    fn join(&mut self, stretch: Span, failed: bool) {
        self.unwell_until = self.unwell_until.max(stretch.to);
        if failed {
            let from = self.failures.map_or(stretch.from, |failures| failures.from.min(stretch.from));
            let to = self.failures.map_or(stretch.to, |failures| failures.to.max(stretch.to));
            self.failures = Some(Span::new(from, to));
        }
    }
}

/// From the first failure to the last of each cluster. Where a lane was blind nobody knows that it
/// was up: an episode neither begins nor ends there, it goes on.
fn clusters(lanes: &[&LaneObservations]) -> Vec<Span> {
    let mut stretches: Vec<(Span, bool)> = Vec::new();
    for lane in lanes {
        stretches.extend(lane.bursts.iter().map(|burst| (Span::new(burst.from, burst.to), true)));
        stretches.extend(unsent(&lane.timeline).map(|span| (span, false)));
    }
    stretches.sort_unstable();
    let mut clusters: Vec<Cluster> = Vec::new();
    for (stretch, failed) in stretches {
        match clusters.last_mut() {
            Some(last) if stretch.from.since(last.unwell_until) <= QUIET => last.join(stretch, failed),
            _ => {
                let mut cluster = Cluster { unwell_until: stretch.to, failures: None };
                cluster.join(stretch, failed);
                clusters.push(cluster);
            }
        }
    }
    clusters.into_iter().filter_map(|cluster| cluster.failures).collect()
}

fn unsent(timeline: &Timeline) -> impl Iterator<Item = Span> + '_ {
    let schedule = timeline.schedule();
    let blind = timeline.runs().iter().filter(|run| run.class.health() == Health::Blind);
    blind.map(|run| Span::new(schedule.due(run.slot), schedule.due(run.last_slot())))
}

fn describe(lanes: &[&LaneObservations], failures: Span) -> Episode {
    let inside = |at: Offset| failures.from <= at && at <= failures.to;
    let mut episode = Episode {
        from: failures.from,
        to: failures.to,
        span: Bounded::default(),
        failed: 0,
        total: 0,
        classes: BTreeMap::new(),
        lanes: BTreeMap::new(),
        peers: BTreeMap::new(),
        time_to_fail: Distribution::coarse(),
        outages: Vec::new(),
    };
    for lane in lanes {
        episode.count(lane.id, &lane.timeline);
        for burst in lane.bursts.iter().filter(|burst| inside(burst.from)) {
            episode.time_to_fail.add(&burst.time_to_fail);
            for (peer, failed) in &burst.peers {
                *episode.peers.entry(*peer).or_insert(0) += failed;
            }
        }
        let outages = lane.outages.iter().zip(0..).filter(|(outage, _)| inside(outage.from));
        episode.outages.extend(outages.map(|(_, nth)| OutageId { lane: lane.id, nth }));
    }
    episode.span = episode.bounded_span(lanes);
    episode
}

impl Episode {
    fn count(&mut self, lane: LaneId, timeline: &Timeline) {
        for (class, _, count) in timeline.between(self.from, self.to + Duration::from_nanos(1)) {
            match class.health() {
                Health::Blind => continue,
                Health::Up | Health::Slow => {}
                Health::Failed => {
                    self.failed += count;
                    *self.classes.entry(class).or_insert(0) += count;
                    *self.lanes.entry(lane).or_insert(0) += count;
                }
            }
            self.total += count;
        }
    }

    /// From the beginning of the first strict outage to the end of the last one.
    fn bounded_span(&self, lanes: &[&LaneObservations]) -> Bounded {
        let lane = |id: LaneId| lanes.iter().find(|lane| lane.id == id);
        let outages = || self.outages.iter().filter_map(|id| lane(id.lane)?.outages.get(id.nth));
        let first_met = outages().map(|outage| outage.began.1).min().unwrap_or(self.from);
        let last_sent = outages().map(|outage| outage.ended.0).max().unwrap_or(self.to);
        let earliest = outages().map(|outage| outage.began.0).min().flatten();
        let latest = outages().map(|outage| outage.ended.1).collect::<Option<Vec<_>>>();
        let period = lanes.first().map_or(Duration::ZERO, |lane| lane.timeline.schedule().period());
        let shared = u32::try_from(lanes.len()).unwrap_or(u32::MAX).max(1);
        let at_most = earliest.zip(latest.and_then(|all| all.into_iter().max())).map(|(from, to)| to.since(from));
        Bounded::new(self.to.since(self.from) + period / shared, last_sent.since(first_met), at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::seen;
    use super::*;

    /// `from..to failed/total` of each episode of a target with these lanes, a slot of each every `step` ms.
    fn said(lanes: &[&str]) -> Vec<String> {
        let seen = seen(lanes);
        let lanes: Vec<_> = seen.lanes.iter().collect();
        let ms = |at: Offset| at.as_nanos() / 1_000_000;
        find(&lanes)
            .iter()
            .map(|one| format!("{}..{} {}/{}", ms(one.from), ms(one.to), one.failed, one.total))
            .collect()
    }

    #[test]
    fn failures_less_than_a_second_apart_are_one_episode() {
        let quiet = ".".repeat(999);
        assert_eq!(said(&[&format!("xx{quiet}x..")]), ["0..1001 3/1002"]);
        assert_eq!(said(&[&format!("xx{quiet}..x.")]), ["0..1 2/2", "1003..1003 1/1"]);
    }

    #[test]
    fn an_episode_ends_only_when_every_lane_is_up() {
        let (half, up) = (".".repeat(350), ".".repeat(1200));
        let lanes = [format!("x{half}{half}x{up}"), format!("{half}x{half}.{up}")];
        assert_eq!(said(&[&lanes[0], &lanes[1]]), ["0..1402 3/1403"]);
    }

    #[test]
    fn blind_slots_do_not_end_an_episode() {
        let blind = "?".repeat(1500);
        assert_eq!(said(&[&format!("..xx{blind}x..")]), ["2..1504 3/3"]);
    }

    #[test]
    fn an_episode_knows_its_outages_lanes_and_fingerprint() {
        let seen = seen(&["...ttt......"]);
        let lanes: Vec<_> = seen.lanes.iter().collect();
        let episode = find(&lanes).remove(0);
        assert_eq!(episode.lanes, BTreeMap::from([(LaneId(0), 3)]));
        assert_eq!(episode.classes, BTreeMap::from([(Class::ResponseTimeout, 3)]));
        assert_eq!(episode.outages, [OutageId { lane: LaneId(0), nth: 0 }]);
        assert_eq!(episode.time_to_fail.quantile(0.5), Some(Duration::from_millis(50)));
        assert_eq!(episode.peers, BTreeMap::from([(None, 3)]));
    }
}
