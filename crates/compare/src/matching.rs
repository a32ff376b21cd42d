//! Which targets and lanes of two runs belong together, which have no partner, and where the runs' settings differ.

use lapse_measure::lane::LaneId;
use lapse_measure::time::Human;
use lapse_record::summary::TargetSummary;

use crate::run::Run;

/// A target that both runs have, with the lanes that both have.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The name of the target in the base.
    pub(crate) name: String,
    /// The lanes of the base, and those of the run in the same order.
    pub(crate) lanes: [Vec<LaneId>; 2],
}

/// What two runs have in common, and what not.
#[derive(Debug)]
pub(crate) struct Matching {
    pub(crate) pairs: Vec<Pair>,
    /// What only one of the runs has, and how their settings differ.
    pub(crate) remarks: Vec<String>,
}

impl Matching {
    /// Matches targets by their names, or the only targets of both, and lanes by how they connect.
    pub(crate) fn of(base: &Run, run: &Run) -> Self {
        let (ours, theirs) = (&base.record.summary.targets, &run.record.summary.targets);
        let mut matching = Self { pairs: Vec::new(), remarks: Vec::new() };
        let alone = ours.len() == 1 && theirs.len() == 1;
        for target in ours {
            match theirs.iter().find(|other| alone || other.name == target.name) {
                Some(other) => matching.add((base, target), (run, other)),
                None => matching.only(base, &format!("the target {}", target.name)),
            }
        }
        for target in theirs.iter().filter(|_| !alone) {
            if !ours.iter().any(|other| other.name == target.name) {
                matching.only(run, &format!("the target {}", target.name));
            }
        }
        matching.pairs.retain(|pair| !pair.lanes[0].is_empty());
        matching.remarks.extend(settings(base, run));
        matching
    }

    fn add(&mut self, (base, target): (&Run, &TargetSummary), (run, other): (&Run, &TargetSummary)) {
        let mut pair = Pair { name: target.name.clone(), lanes: [Vec::new(), Vec::new()] };
        let policy = |of: &Run, lane: LaneId| of.record.seen.lane(lane).lane.policy;
        let name = |of: &Run, lane: LaneId| format!("the lane {}/{}", target.name, policy(of, lane));
        for lane in &target.lanes {
            match other.lanes.iter().find(|other| policy(run, **other) == policy(base, *lane)) {
                Some(other) => {
                    pair.lanes[0].push(*lane);
                    pair.lanes[1].push(*other);
                    let [ours, theirs] =
                        [(base, lane), (run, other)].map(|(of, lane)| of.record.seen.lane(*lane).lane.protocol);
                    if ours != theirs {
                        let lane = name(base, *lane);
                        self.remarks.push(format!("{lane} spoke {ours} in {}, {theirs} in {}", base.name, run.name));
                    }
                }
                None => self.only(base, &name(base, *lane)),
            }
        }
        for lane in &other.lanes {
            if !target.lanes.iter().any(|ours| policy(base, *ours) == policy(run, *lane)) {
                self.only(run, &name(run, *lane));
            }
        }
        if target.name != other.name {
            let (ours, theirs) = (&target.name, &other.name);
            self.remarks.push(format!(
                "{ours} of {} and {theirs} of {} are the only targets, so they are compared",
                base.name, run.name
            ));
        } else if target.url != other.url {
            let [ours, theirs] = [target, other].map(|target| &target.url);
            self.remarks.push(format!("{} is {ours} in {}, {theirs} in {}", target.name, base.name, run.name));
        }
        self.pairs.push(pair);
    }

    fn only(&mut self, run: &Run, what: &str) {
        self.remarks.push(format!("only {} has {what}: it is compared with nothing", run.name));
    }
}

/// How the settings of two runs differ, as far as that matters to their figures.
fn settings(base: &Run, run: &Run) -> Vec<String> {
    let (one, other) = (&base.record.about, &run.record.about);
    let (ours, theirs) = (&base.name, &run.name);
    let mut remarks = Vec::new();
    if one.rate != other.rate {
        let (few, slow) = if one.rate.get() < other.rate.get() { (one, ours) } else { (other, theirs) };
        let [one, other] = [one, other].map(|about| about.rate.get());
        remarks.push(format!(
            "{ours} sent {one} probes a second to each target, {theirs} {other}: with {} a second, {slow} sees short outages less \
             surely",
            few.rate.get()
        ));
    }
    if one.gate != other.gate {
        let [one, other] = [one, other].map(|about| Human(about.gate));
        remarks.push(format!("disruptions of {ours} go by a gate of {one}, those of {theirs} by one of {other}"));
    }
    if one.timeout != other.timeout {
        let [one, other] = [one, other].map(|about| Human(about.timeout));
        remarks.push(format!("probes of {ours} had {one} to be answered (--timeout), those of {theirs} {other}"));
    }
    let without = |run: &Run| format!("{} has no event: all of it is compared", run.name);
    remarks.extend([base, run].into_iter().filter(|run| !run.has_an_event()).map(without));
    remarks
}
