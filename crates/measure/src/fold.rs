//! Folds probes into the observations of a run, as they resolve.
//!
//! A live run and the replay of its journal use the same fold, so both report the same. Memory grows with the number of
//! changes of class, not with time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use super::answer::{Health, Probe};
use super::binomial::Share;
use super::burst::Burst;
use super::coverage::{Control, Coverage, SLACK};
use super::detection::Detection;
use super::disruption::{self, GATE};
use super::lane::{Lane, LaneId, TargetId};
use super::latency::Distribution;
use super::observations::{Counts, LaneObservations, Observations, TargetObservations};
use super::outage::Finder;
use super::phase::{Phase, Phases};
use super::schedule::Schedule;
use super::span::{Span, Spans};
use super::success_gap::SuccessGap;
use super::time::Offset;
use super::timeline::{Cell, Reorder, Timeline};
use super::trend::Trend;

/// From this many probes on the lanes are folded side by side: fewer are folded sooner than threads begin.
const SIDE_BY_SIDE: usize = 1 << 13;

/// The first of several probes that the fold refused, by its place among them, from 0: the run has no such lane, or
/// [`Reorder::push`] refuses its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub usize);

#[derive(Clone, Debug)]
struct LaneFold {
    reorder: Reorder<Probe>,
    /// The peers of the failed probes that wait in `reorder`, by slot.
    peers: BTreeMap<u64, SocketAddr>,
    coverage: Coverage,
    detection: Detection,
    outages: Finder,
    slow: Finder,
    up_since: Option<Offset>,
    folded_to: Offset,
    seen: LaneObservations,
}

/// Takes probes in any order and computes the observations of the run.
#[derive(Clone, Debug)]
pub struct Fold {
    targets: Vec<(String, SuccessGap)>,
    lanes: Vec<LaneFold>,
    phases: Phases,
    control: Control,
}

impl Fold {
    /// An empty fold for a run with these targets (by name) and lanes; `control` is the schedule of the control lane.
    ///
    /// # Panics
    /// If the target of a lane does not exist.
    pub fn new(targets: &[String], lanes: &[Lane], control: &Schedule) -> Self {
        assert!(lanes.iter().all(|lane| lane.target.0 < targets.len()), "each lane probes a target of the run");
        Self {
            targets: targets.iter().map(|name| (name.clone(), SuccessGap::default())).collect(),
            lanes: lanes.iter().enumerate().map(|(index, lane)| LaneFold::new(LaneId(index), lane)).collect(),
            phases: Phases::default(),
            control: Control::new(control),
        }
    }

    /// Sets the gate: failures of a lane that are no further apart belong to one disruption.
    #[must_use]
    pub fn with_gate(mut self, gate: Duration) -> Self {
        for lane in &mut self.lanes {
            lane.seen.gate = gate;
        }
        self
    }

    /// Starts a phase at `at`. No probe that is due later may have been pushed yet.
    pub fn begin(&mut self, phase: Phase, at: Offset) {
        self.phases.begin(phase, at);
    }

    /// Adds a probe of a lane. Returns false, and ignores the probe, if it is refused.
    pub fn push(&mut self, lane: LaneId, probe: Probe, peer: Option<SocketAddr>) -> bool {
        self.push_all(std::iter::once((lane, &probe, peer))).is_ok()
    }

    /// Adds the probes of slots, in the order in which they resolved, each with its peer if it failed. Up to the first
    /// probe that is refused all is as if they had been added one by one; some lanes may have gone on from there.
    pub fn push_all<'a, Probes>(&mut self, probes: Probes) -> Result<(), Refused>
    where
        Probes: Iterator<Item = (LaneId, &'a Probe, Option<SocketAddr>)> + Clone + Send,
    {
        let lanes = self.lanes.len();
        let unknown = probes.clone().position(|(lane, ..)| lane.0 >= lanes);
        let is_many = probes.clone().nth(SIDE_BY_SIDE).is_some();
        let threads = if is_many { available_parallelism().map_or(1, usize::from) } else { 1 };
        let refused = self.fold_lanes(&probes, lanes.div_ceil(threads).max(1));
        let refused = refused.into_iter().chain(unknown).min();
        for (lane, probe, _) in probes.take(refused.unwrap_or(usize::MAX)) {
            self.targets[self.lanes[lane.0].seen.lane.target.0].1.push(probe);
        }
        refused.map_or(Ok(()), |nth| Err(Refused(nth)))
    }

    /// Adds probes to their lanes, of which each thread has this many. Returns the place of the first that is refused.
    fn fold_lanes<'a, Probes>(&mut self, probes: &Probes, a_threads: usize) -> Option<usize>
    where
        Probes: Iterator<Item = (LaneId, &'a Probe, Option<SocketAddr>)> + Clone + Send,
    {
        let phases = &self.phases;
        let fold = |(nth, lanes): (usize, &mut [LaneFold]), mut probes: Probes| {
            let first = nth * a_threads;
            probes.position(|(id, probe, peer)| {
                let lane = id.0.checked_sub(first).and_then(|own| lanes.get_mut(own));
                lane.is_some_and(|lane| !lane.push(probe, peer, phases))
            })
        };
        thread::scope(|scope| {
            let mut shares = self.lanes.chunks_mut(a_threads).enumerate();
            let own = shares.next()?;
            let begin = |share| {
                let probes = probes.clone();
                scope.spawn(move || fold(share, probes))
            };
            let others: Vec<_> = shares.map(begin).collect();
            let own = fold(own, probes.clone());
            let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            others.chain([own]).flatten().min()
        })
    }

    /// Adds a probe of the control lane; the order does not matter.
    pub fn push_control(&mut self, probe: &Probe) {
        self.control.push(probe);
    }

    /// The phases that have begun so far.
    pub const fn phases(&self) -> &Phases {
        &self.phases
    }

    /// Whether every lane has been for `settle`, since `since` at the earliest, what it was in the baseline: without a
    /// failure, or failing no more often than it did then, as far as the 95 % intervals of the two shares can tell.
    pub fn is_settled(&self, since: Offset, settle: Duration) -> bool {
        let baseline = self.phases.spans(since).find(|(phase, _)| *phase == Phase::Baseline).map(|(_, span)| span);
        let is_noise = |lane: &LaneFold| {
            let timeline = &lane.seen.timeline;
            let share = |from, to| {
                let cell = Cell::of([timeline], from, to);
                Share::of(cell.failed(), cell.resolved())
            };
            let (Some(baseline), true) = (baseline, lane.folded_to.since(since) >= settle) else { return false };
            let before = share(baseline.from, baseline.to);
            // A lane that lost nothing, or everything, before the event has no noise to come back to.
            let has_noise = before.estimate > 0.0 && before.estimate < 1.0;
            has_noise && share(lane.folded_to.back(settle), lane.folded_to).low <= before.high
        };
        let up_for = |lane: &LaneFold| lane.up_since.map(|up| lane.folded_to.since(up.max(since))).unwrap_or_default();
        self.lanes.iter().all(|lane| up_for(lane) >= settle || is_noise(lane))
    }

    /// The downtime so far of the worst target: failed slots times period, averaged over its lanes.
    pub fn downtime(&self) -> Duration {
        let of_target = |target: usize| {
            let lanes = || self.lanes.iter().filter(|lane| lane.seen.lane.target == TargetId(target));
            let sum: Duration = lanes().map(LaneFold::downtime).sum();
            sum / u32::try_from(lanes().count()).unwrap_or(u32::MAX).max(1)
        };
        (0..self.targets.len()).map(of_target).max().unwrap_or_default()
    }

    /// The number of failed probes so far, over all lanes.
    pub fn failed(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.seen.counts.failed).sum()
    }

    /// The observations of each lane up to its first slot that has not resolved: nothing to come changes what they say.
    pub fn resolved(&self) -> Observations {
        let mut so_far = self.clone();
        for lane in &mut so_far.lanes {
            lane.reorder = Reorder::default();
            lane.peers.clear();
        }
        let end = so_far.lanes.iter().map(|lane| lane.folded_to).max().unwrap_or(Offset::ZERO);
        so_far.finish(end)
    }

    /// The observations of the run up to `end`; every slot due before it must have been sent or given up.
    pub fn finish(self, end: Offset) -> Observations {
        let Self { targets, lanes, phases, control } = self;
        let target =
            |(name, gap): (String, SuccessGap)| TargetObservations { name, success_gap: gap.finish(), held: None };
        Observations {
            lanes: lanes.into_iter().map(|lane| lane.finish(end, &phases)).collect(),
            targets: targets.into_iter().map(target).collect(),
            phases,
            held_up: control.blind().within(Span::new(Offset::ZERO, end)),
            controls: control.probes(),
            end,
        }
    }
}

impl LaneFold {
    fn new(id: LaneId, lane: &Lane) -> Self {
        let schedule = lane.schedule;
        Self {
            reorder: Reorder::default(),
            peers: BTreeMap::new(),
            coverage: Coverage::new(&schedule),
            detection: Detection::new(schedule.due(0)),
            outages: Finder::outages(schedule),
            slow: Finder::slow(schedule),
            up_since: None,
            folded_to: Offset::ZERO,
            seen: LaneObservations {
                id,
                lane: *lane,
                timeline: Timeline::new(schedule),
                counts: Counts::default(),
                classes: BTreeMap::new(),
                outages: Vec::new(),
                disruptions: Vec::new(),
                slow: Vec::new(),
                bursts: Vec::new(),
                lateness: Distribution::fine(),
                latency: Vec::new(),
                trip: Distribution::fine(),
                latency_trend: Trend::default(),
                lateness_trend: Trend::default(),
                blind: Spans::default(),
                widest: Duration::ZERO,
                unseen: Detection::new(schedule.due(0)).finish(schedule.due(0)),
                gate: GATE,
            },
        }
    }

    /// Adds the probe of a slot. Returns false, and ignores it, if [`Reorder::push`] refuses its slot.
    fn push(&mut self, probe: &Probe, peer: Option<SocketAddr>, phases: &Phases) -> bool {
        if self.reorder.pass(probe.slot) {
            self.fold(probe, peer, phases);
        } else if self.reorder.push(probe.slot, *probe) {
            self.peers.extend(peer.map(|peer| (probe.slot, peer)));
        } else {
            return false;
        }
        while let Some(next) = self.reorder.pop() {
            self.fold_waiting(&next, phases);
        }
        true
    }

    fn fold_waiting(&mut self, probe: &Probe, phases: &Phases) {
        let peer = if self.peers.is_empty() { None } else { self.peers.remove(&probe.slot) };
        self.fold(probe, peer, phases);
    }

    /// Adds the probe of the next slot.
    fn fold(&mut self, probe: &Probe, peer: Option<SocketAddr>, phases: &Phases) {
        self.folded_to = probe.due;
        self.coverage.push(probe);
        self.detection.push(probe);
        self.outages.push(probe);
        self.slow.push(probe);
        self.seen.timeline.push(probe);
        self.seen.count(probe);
        match probe.class.health() {
            Health::Blind => {}
            Health::Failed => {
                self.up_since = None;
                Burst::gather(&mut self.seen.bursts, probe, peer);
            }
            Health::Up | Health::Slow => {
                self.up_since.get_or_insert(probe.due);
                self.seen.record_times(probe, phases.index_at(probe.due));
            }
        }
    }

    fn downtime(&self) -> Duration {
        self.seen.timeline.schedule().time_of(self.seen.counts.failed)
    }

    fn finish(mut self, end: Offset, phases: &Phases) -> LaneObservations {
        for next in self.reorder.drain().collect::<Vec<_>>() {
            self.fold_waiting(&next, phases);
        }
        let mut seen = self.seen;
        let offered = seen.timeline.schedule().slots_before(end);
        seen.counts.offered = offered.max(seen.counts.sent + seen.counts.not_sent);
        seen.counts.sent = seen.counts.offered - seen.counts.not_sent;
        for run in seen.timeline.runs() {
            *seen.classes.entry(run.class).or_insert(0) += run.count;
        }
        seen.outages = self.outages.finish();
        seen.slow = self.slow.finish();
        seen.widest = self.coverage.widest();
        seen.counts.shed = self.coverage.shed();
        seen.unseen = self.detection.finish(end);
        // A slot that was not sent stands for a whole period, which may reach beyond the run.
        seen.blind = self.coverage.blind().within(Span::new(Offset::ZERO, end));
        seen.disruptions = disruption::find(&seen.timeline, &seen.outages, seen.gate);
        seen
    }
}

impl LaneObservations {
    fn count(&mut self, probe: &Probe) {
        let counts = &mut self.counts;
        counts.reconnects += u64::from(probe.reconnects);
        if probe.class.health() == Health::Blind {
            counts.not_sent += 1;
            return;
        }
        counts.sent += 1;
        counts.resolved += 1;
        counts.failed += u64::from(probe.class.health() == Health::Failed);
        let lateness = probe.sent.since(probe.due);
        counts.late += u64::from(lateness > SLACK);
        self.lateness.record(lateness);
        self.lateness_trend.record(probe.due, lateness);
    }

    fn record_times(&mut self, probe: &Probe, phase: usize) {
        if phase >= self.latency.len() {
            self.latency.resize_with(phase + 1, Distribution::fine);
        }
        let latency = probe.done.since(probe.due);
        self.latency[phase].record(latency);
        self.latency_trend.record(probe.due, latency);
        self.trip.record(probe.done.since(probe.sent));
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{self, probes, seen};
    use super::*;

    #[test]
    fn slots_are_counted_by_result() {
        let seen = seen(&["..xx?s.."]);
        let counts = seen.lanes[0].counts;
        assert_eq!((counts.offered, counts.sent, counts.not_sent), (8, 7, 1));
        assert_eq!((counts.resolved, counts.failed, counts.late), (7, 2, 0));
    }

    #[test]
    fn a_slot_without_a_record_counts_as_sent_but_not_resolved() {
        let counts = seen(&["..x. .."]).lanes[0].counts;
        assert_eq!((counts.offered, counts.sent, counts.resolved), (7, 7, 6));
    }

    #[test]
    fn blind_time_is_never_longer_than_the_run() {
        let lanes = super::super::notation::lanes(1);
        let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
        for probe in probes("??????") {
            assert!(fold.push(LaneId(0), probe, None));
        }
        let seen = fold.finish(Offset::from_nanos(5_500_000));
        assert_eq!(seen.lanes[0].blind.length(), Duration::from_micros(5_500));
    }

    #[test]
    fn a_lane_is_up_from_its_last_failure_to_the_last_slot_without_a_gap() {
        let lanes = super::super::notation::lanes(1);
        let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
        fold.begin(Phase::Event, Offset::ZERO);
        let all = probes("..x........");
        for probe in all.iter().filter(|probe| probe.slot != 8) {
            assert!(fold.push(LaneId(0), *probe, None));
        }
        assert!(!fold.push(LaneId(0), all[3], None), "one slot, one record");
        let settled = |since, settle| fold.is_settled(Offset::from_millis(since), Duration::from_millis(settle));
        assert_eq!([settled(0, 4), settled(0, 5)], [true, false]);
        assert_eq!([settled(5, 2), settled(5, 3)], [true, false]);
        assert_eq!(fold.downtime(), Duration::from_millis(1));
    }

    /// Two lanes over 10 s, with failures; each hundred probes resolve in another order than they were sent.
    fn many() -> Vec<(LaneId, Probe)> {
        let lane = probes(&format!("{}{}", ".".repeat(4_000), "x.s?.".repeat(1_200)));
        let mut all: Vec<_> = lane.iter().flat_map(|probe| [(LaneId(0), *probe), (LaneId(1), *probe)]).collect();
        all.chunks_mut(100).for_each(|hundred| hundred.sort_by_key(|(lane, probe)| (probe.slot * 37 % 100, *lane)));
        all
    }

    fn folded(all: &[(LaneId, Probe)], at_once: usize) -> (Result<(), Refused>, String) {
        let mut fold = Fold::new(&["shop".to_owned()], &notation::lanes(2), &notation::schedule());
        let peer = |probe: &Probe| (probe.class.health() == Health::Failed).then(|| ([10, 0, 0, 7], 80).into());
        let mut parts = all.chunks(at_once);
        let outcome =
            parts.try_for_each(|part| fold.push_all(part.iter().map(|(lane, probe)| (*lane, probe, peer(probe)))));
        (outcome, format!("{:?}", fold.finish(Offset::from_millis(10_000))))
    }

    #[test]
    fn probes_folded_side_by_side_come_to_the_same_as_one_by_one() {
        let all = many();
        assert!(all.len() > 2 * SIDE_BY_SIDE);
        let one_by_one = folded(&all, 1);
        assert_eq!(one_by_one.0, Ok(()));
        assert!(folded(&all, all.len()) == one_by_one && folded(&all, 999) == one_by_one);
    }

    #[test]
    fn the_first_refused_probe_is_named() {
        let mut all = many();
        all[12_345].1.slot = all[12_000].1.slot;
        all[15_000].0 = LaneId(2);
        assert_eq!(folded(&all, all.len()).0, Err(Refused(12_345)));
        assert_eq!(folded(&all[..100], 1).0, Ok(()));
        all.swap(0, 15_000);
        assert_eq!(folded(&all, all.len()).0, Err(Refused(0)));
    }

    #[test]
    fn a_noisy_lane_is_settled_when_it_fails_no_more_often_than_before_the_event() {
        let settled = |event: &str, after: &str| {
            let noise = format!("x{}", ".".repeat(99)).repeat(10);
            let lanes = super::super::notation::lanes(1);
            let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
            fold.begin(Phase::Baseline, Offset::ZERO);
            let all = format!("{noise}{event}{after}");
            for probe in probes(&all) {
                if probe.slot == 1_000 {
                    fold.begin(Phase::Event, probe.due);
                }
                assert!(fold.push(LaneId(0), probe, None));
            }
            let since = Offset::from_millis((noise.len() + event.len()) as u64);
            fold.is_settled(since, Duration::from_millis(500))
        };
        let (noise, outage) = (format!("x{}", ".".repeat(99)).repeat(6), "x".repeat(300));
        assert!(settled(&outage, &noise));
        assert!(!settled(&outage, &noise[..400]), "not watched for long enough");
        assert!(!settled(&outage, &"x..".repeat(200)), "worse than before");
    }
}
