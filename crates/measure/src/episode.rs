//! Episodes of a target: the failures of all its lanes, clustered in time.
//!
//! Each lane groups its failures into bursts as they arrive, so that memory grows with the number of bursts. At the end
//! the bursts of all lanes are joined into episodes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::answer::{Class, Health};
use super::burst::EPISODE_GAP;
use super::disruption::gate_of;
use super::lane::LaneId;
use super::latency::Distribution;
use super::observations::LaneObservations;
use super::outage::OutageId;
use super::span::Span;
use super::time::{Bounded, Offset};
use super::timeline::Timeline;

/// A time in which lanes of a target failed, up to the point from which every lane is up for [`EPISODE_GAP`], or for
/// the gate of its disruptions, if that is longer. So no disruption lies in two episodes.
#[derive(Clone, Debug)]
pub struct Episode {
    /// When the first failed slot was due.
    pub from: Offset,
    /// When the last failed slot was due.
    pub to: Offset,
    /// The duration from the first failure to the last, with the bounds of the first and the last outage.
    pub span: Bounded,
    /// The number of failed probes, over all lanes.
    pub failed: u64,
    /// The number of resolved probes due from the first failure to the last, over all lanes.
    pub total: u64,
    /// Failed probes by class.
    pub classes: BTreeMap<Class, u64>,
    /// Failed probes by lane.
    pub lanes: BTreeMap<LaneId, u64>,
    /// Failed probes by peer; `None` if no address is known, and for all peers beyond the first few hundred.
    pub peers: BTreeMap<Option<SocketAddr>, u64>,
    /// Distributions of `done - sent` of the failed probes, by class: near zero for refusals, the timeout for packets
    /// dropped. `None` has those of all classes beyond the first few of a lane.
    pub times_to_fail: BTreeMap<Option<Class>, Distribution>,
    /// The strict outages of the episode, by lane and then by time.
    pub outages: Vec<OutageId>,
}

/// The episodes of the target whose lanes these are, in order of time.
pub fn find(lanes: &[&LaneObservations]) -> Vec<Episode> {
    let gate = lanes.iter().map(|lane| gate_of(lane.gate, lane.timeline.schedule())).max().unwrap_or_default();
    clusters(lanes, gate.max(EPISODE_GAP)).into_iter().map(|failures| describe(lanes, failures)).collect()
}

/// Failures, and the blind slots between and around them, each no later than a gap after the one before.
struct Cluster {
    not_up_until: Offset,
    failures: Option<Span>,
}

impl Cluster {
    fn join(&mut self, span: Span, failed: bool) {
        self.not_up_until = self.not_up_until.max(span.to);
        if failed {
            let from = self.failures.map_or(span.from, |failures| failures.from.min(span.from));
            let to = self.failures.map_or(span.to, |failures| failures.to.max(span.to));
            self.failures = Some(Span::new(from, to));
        }
    }
}

/// The span from the first failure to the last of each cluster. A blind lane is not known to be up, so blind slots keep
/// a cluster going, but it does not begin or end with them.
fn clusters(lanes: &[&LaneObservations], gap: Duration) -> Vec<Span> {
    let mut spans: Vec<(Span, bool)> = Vec::new();
    for lane in lanes {
        spans.extend(lane.bursts.iter().map(|burst| (Span::new(burst.from, burst.to), true)));
        spans.extend(unsent(&lane.timeline).map(|span| (span, false)));
    }
    spans.sort_unstable();
    let mut clusters: Vec<Cluster> = Vec::new();
    for (span, failed) in spans {
        match clusters.last_mut() {
            Some(last) if span.from.since(last.not_up_until) <= gap => last.join(span, failed),
            _ => {
                let mut cluster = Cluster { not_up_until: span.to, failures: None };
                cluster.join(span, failed);
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
        times_to_fail: BTreeMap::new(),
        outages: Vec::new(),
    };
    for lane in lanes {
        episode.count(lane.id, &lane.timeline);
        for burst in lane.bursts.iter().filter(|burst| inside(burst.from)) {
            for (class, times) in &burst.times_to_fail {
                episode.times_to_fail.entry(*class).or_insert_with(Distribution::coarse).add(times);
            }
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
    /// The distribution of `done - sent` of all of its failed probes.
    pub fn time_to_fail(&self) -> Distribution {
        let mut all = Distribution::coarse();
        self.times_to_fail.values().for_each(|times| all.add(times));
        all
    }

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

    /// The duration from the start of the first strict outage to the end of the last one, with the bounds of both.
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
    use super::super::observations::Observations;
    use super::*;

    /// A line `from..to failed/total` for each episode of a target with these lanes; times in ms.
    fn episodes_as_text(lanes: &[&str]) -> Vec<String> {
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
        let gap = ".".repeat(999);
        assert_eq!(episodes_as_text(&[&format!("xx{gap}x..")]), ["0..1001 3/1002"]);
        assert_eq!(episodes_as_text(&[&format!("xx{gap}..x.")]), ["0..1 2/2", "1003..1003 1/1"]);
    }

    #[test]
    fn a_longer_gate_joins_episodes_so_that_no_disruption_lies_in_two() {
        let flicker = format!("x{}", ".".repeat(1499)).repeat(4);
        let mut seen = seen(&[&flicker]);
        let episodes = |seen: &Observations| find(&seen.lanes.iter().collect::<Vec<_>>()).len();
        assert_eq!(episodes(&seen), 4);
        seen.lanes[0].gate = Duration::from_secs(2);
        assert_eq!(episodes(&seen), 1);
    }

    #[test]
    fn an_episode_ends_only_when_every_lane_is_up() {
        let (half, up) = (".".repeat(350), ".".repeat(1200));
        let lanes = [format!("x{half}{half}x{up}"), format!("{half}x{half}.{up}")];
        assert_eq!(episodes_as_text(&[&lanes[0], &lanes[1]]), ["0..1402 3/1403"]);
    }

    #[test]
    fn blind_slots_do_not_end_an_episode() {
        let blind = "?".repeat(1500);
        assert_eq!(episodes_as_text(&[&format!("..xx{blind}x..")]), ["2..1504 3/3"]);
    }

    #[test]
    fn an_episode_lists_its_outages_lanes_peers_and_time_to_fail() {
        let seen = seen(&["...tttr....."]);
        let lanes: Vec<_> = seen.lanes.iter().collect();
        let episode = find(&lanes).remove(0);
        assert_eq!(episode.lanes, BTreeMap::from([(LaneId(0), 4)]));
        assert_eq!(episode.classes, BTreeMap::from([(Class::ResponseTimeout, 3), (Class::Refused, 1)]));
        assert_eq!(episode.outages, [OutageId { lane: LaneId(0), nth: 0 }]);
        assert_eq!(episode.time_to_fail().quantile(0.5), Some(Duration::from_millis(50)));
        let longest = |class| episode.times_to_fail[&Some(class)].longest();
        assert_eq!(longest(Class::ResponseTimeout), Some(Duration::from_millis(50)));
        assert_eq!(longest(Class::Refused), Some(Duration::ZERO));
        assert_eq!(episode.peers, BTreeMap::from([(None, 4)]));
    }
}
