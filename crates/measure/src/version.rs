//! The versions that the answers of a target name: how many answers each gave, from when to when, and its share over time.
//!
//! Memory is bounded, whatever a server sends: the versions that are told apart, the length of a name, and the number of
//! intervals. No answer is lost: what is not told apart is counted together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::answer::{Health, Probe};
use super::fallback::{Fallback, Finder, Met, joined};
use super::lane::{Lane, LaneId, TargetId};
use super::phase::{Phase, Phases};
use super::span::Span;
use super::time::Offset;
use super::timeline::Reorder;

/// The most versions of a target that are told apart.
pub const MAX_VERSIONS: usize = 32;
/// The longest name that is kept whole, in characters.
const LONGEST_NAME: usize = 80;
/// The characters that are kept of a longer name.
const KEPT: usize = 48;
/// The most intervals of a target; when a run needs more, neighbours are merged in pairs.
const MAX_INTERVALS: usize = 512;
/// The width of an interval at first, in nanoseconds.
const FIRST_WIDTH: u64 = 10_000_000;

/// The index of a version among those of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub usize);

/// What an answer says of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming<'a> {
    /// Its name.
    Version(&'a str),
    /// A name that was not recorded, because there were too many at that time.
    Further,
    /// Nothing: the header is missing or empty.
    Nothing,
}

/// The versions of a target.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// The versions, in the order in which they were first met.
    pub all: Vec<Version>,
    /// The answers that name none.
    pub unnamed: u64,
    /// The answers of versions beyond [`MAX_VERSIONS`].
    pub further: u64,
    /// The stretches in which only older versions answered, in order of time.
    pub fallbacks: Vec<Fallback>,
    /// The number of such stretches that were not kept.
    pub fallbacks_dropped: u64,
    /// The answers over time, in intervals of equal width.
    pub shares: Vec<Interval>,
}

/// A version of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The name, as answers have it; a long one is cut, with its length and a checksum.
    pub name: String,
    /// The age: 0 for the versions that the run began with, a greater number for each newer one.
    pub generation: usize,
    /// The number of its answers, failed ones included.
    pub answers: u64,
    /// The number of those that failed.
    pub failed: u64,
    /// When its first answer was complete.
    pub first: Offset,
    /// When its last answer was complete.
    pub last: Offset,
}

impl Version {
    /// Whether the version came up during the run.
    pub const fn is_new(&self) -> bool {
        self.generation > 0
    }
}

/// The answers of a target in an interval of the run, by when they were complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The interval.
    pub span: Span,
    /// The number of answers by version, as [`Versions::all`] lists them.
    pub by_version: Vec<u64>,
    /// The answers that name no version.
    pub unnamed: u64,
    /// The answers of versions that are not told apart.
    pub further: u64,
}

impl Interval {
    /// All answers in the interval.
    pub fn answers(&self) -> u64 {
        self.by_version.iter().sum::<u64>() + self.unnamed + self.further
    }
}

/// Gathers the versions of all targets, from answers in the order in which they were complete.
#[derive(Clone, Debug)]
pub struct VersionFold {
    targets: Vec<TargetFold>,
    lanes: Vec<LaneFold>,
}

#[derive(Clone, Debug, Default)]
struct TargetFold {
    ids: BTreeMap<String, VersionId>,
    seen: Versions,
    /// Whether an answer came in the baseline: then a version that is first met later is new.
    had_baseline: bool,
    newest: usize,
    counts: Counts,
}

#[derive(Clone, Debug)]
struct LaneFold {
    target: TargetId,
    /// What each slot met; `None` if nothing that has an age. In boxes: many slots may wait for an earlier one.
    reorder: Reorder<Option<Box<Met>>>,
    finder: Finder,
}

/// The place in an interval of the answers that name no version.
const UNNAMED: usize = 0;
/// The place of those of further versions; the versions follow.
const FURTHER: usize = 1;
/// The place of the first version.
const FIRST: usize = 2;

/// Counts answers by interval and place.
#[derive(Clone, Debug)]
struct Counts {
    width: u64,
    intervals: Vec<Vec<u64>>,
}

impl VersionFold {
    /// Nothing gathered yet, of a run with these lanes.
    pub fn new(targets: usize, lanes: &[Lane]) -> Self {
        let lane = |(nth, lane): (usize, &Lane)| LaneFold {
            target: lane.target,
            reorder: Reorder::default(),
            finder: Finder::new(LaneId(nth), lane.schedule),
        };
        Self { targets: vec![TargetFold::default(); targets], lanes: lanes.iter().enumerate().map(lane).collect() }
    }

    /// Adds the record of a slot; `naming` is `None` if there was no answer.
    pub fn push(&mut self, lane: LaneId, probe: &Probe, naming: Option<Naming<'_>>, phases: &Phases) {
        let Some(lane) = self.lanes.get_mut(lane.0) else { return };
        let target = self.targets.get_mut(lane.target.0);
        let met = naming.zip(target).and_then(|(naming, target)| target.count(probe, naming, phases));
        // A slot that is refused here was refused by the fold of the probes before.
        if lane.reorder.pass(probe.slot) {
            lane.finder.push_some(met);
        } else {
            lane.reorder.push(probe.slot, met.map(Box::new));
        }
        while let Some(met) = lane.reorder.pop() {
            lane.finder.push_some(met.map(|met| *met));
        }
    }

    /// The versions by target.
    pub fn finish(self) -> Vec<Versions> {
        let mut found: Vec<Vec<Fallback>> = vec![Vec::new(); self.targets.len()];
        let mut dropped = vec![0; self.targets.len()];
        for mut lane in self.lanes {
            let rest: Vec<_> = lane.reorder.drain().collect();
            for met in rest {
                lane.finder.push_some(met.map(|met| *met));
            }
            let (fallbacks, more) = lane.finder.finish();
            if let Some((found, dropped)) = found.get_mut(lane.target.0).zip(dropped.get_mut(lane.target.0)) {
                found.extend(fallbacks);
                *dropped += more;
            }
        }
        let targets = self.targets.into_iter().zip(found).zip(dropped);
        targets.map(|((target, found), dropped)| target.finish(joined(found), dropped)).collect()
    }
}

impl Finder {
    fn push_some(&mut self, met: Option<Met>) {
        if let Some(met) = met {
            self.push(met);
        }
    }
}

impl TargetFold {
    /// Counts an answer. Returns it with the age of its version, if that is told apart.
    fn count(&mut self, probe: &Probe, naming: Naming<'_>, phases: &Phases) -> Option<Met> {
        let in_baseline = phases.at(probe.done) == Some(Phase::Baseline);
        let id = match naming {
            Naming::Version("") | Naming::Nothing => Err(UNNAMED),
            Naming::Further => Err(FURTHER),
            Naming::Version(name) => self.id(name, probe.done, in_baseline).ok_or(FURTHER),
        };
        self.had_baseline |= in_baseline;
        self.counts.count(probe.done, id.map_or_else(|place| place, |id| FIRST + id.0));
        match id {
            Err(UNNAMED) => self.seen.unnamed += 1,
            Err(_) => self.seen.further += 1,
            Ok(_) => {}
        }
        let version = self.seen.all.get_mut(id.ok()?.0)?;
        version.answers += 1;
        version.failed += u64::from(probe.class.health() == Health::Failed);
        version.first = version.first.min(probe.done);
        version.last = version.last.max(probe.done);
        let Probe { slot, sent, done, .. } = *probe;
        Some(Met { slot, sent, done, version: id.ok()?, generation: version.generation })
    }

    /// The id of the version of this name; `None` if there are too many.
    fn id(&mut self, name: &str, done: Offset, in_baseline: bool) -> Option<VersionId> {
        let name = shortened(name);
        if let Some(id) = self.ids.get(name.as_ref()) {
            return Some(*id);
        }
        let id = VersionId(self.seen.all.len());
        if id.0 == MAX_VERSIONS {
            return None;
        }
        let is_old = in_baseline || (!self.had_baseline && self.seen.all.is_empty());
        self.newest += usize::from(!is_old);
        let generation = if is_old { 0 } else { self.newest };
        self.ids.insert(name.clone().into_owned(), id);
        let name = name.into_owned();
        self.seen.all.push(Version { name, generation, answers: 0, failed: 0, first: done, last: done });
        Some(id)
    }

    fn finish(self, fallbacks: Vec<Fallback>, fallbacks_dropped: u64) -> Versions {
        let shares = self.counts.finish(self.seen.all.len());
        Versions { fallbacks, fallbacks_dropped, shares, ..self.seen }
    }
}

/// A name as it is kept. Of a long one only the beginning is, with its length and a checksum, by which names that begin in
/// the same way stay apart.
fn shortened(name: &str) -> Cow<'_, str> {
    if name.chars().nth(LONGEST_NAME).is_none() {
        return Cow::Borrowed(name);
    }
    let kept: String = name.chars().take(KEPT).collect();
    // FNV-1a (RFC 9923): no security depends on it.
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let checksum = name.bytes().fold(0x811c_9dc5, mix);
    Cow::Owned(format!("{kept}... ({} bytes, {checksum:08x})", name.len()))
}

impl Default for Counts {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, intervals: Vec::new() }
    }
}

impl Counts {
    fn count(&mut self, at: Offset, place: usize) {
        let index = loop {
            match usize::try_from(at.as_nanos() / self.width) {
                Ok(index) if index < MAX_INTERVALS => break index,
                _ => self.merge_pairs(),
            }
        };
        if index >= self.intervals.len() {
            self.intervals.resize_with(index + 1, Vec::new);
        }
        let counts = &mut self.intervals[index];
        if place >= counts.len() {
            counts.resize(place + 1, 0);
        }
        counts[place] += 1;
    }

    fn merge_pairs(&mut self) {
        self.width = self.width.saturating_mul(2);
        let merged = self.intervals.chunks(2).map(|pair| {
            let places = pair.iter().map(Vec::len).max().unwrap_or(0);
            (0..places).map(|place| pair.iter().filter_map(|one| one.get(place)).sum()).collect()
        });
        self.intervals = merged.collect();
    }

    fn finish(self, versions: usize) -> Vec<Interval> {
        let width = self.width;
        let edge = |index: u64| Offset::from_nanos(width.saturating_mul(index));
        let interval = |(index, counts): (u64, &Vec<u64>)| {
            let count = |place: usize| counts.get(place).copied().unwrap_or(0);
            Interval {
                span: Span::new(edge(index), edge(index + 1)),
                by_version: (0..versions).map(|nth| count(FIRST + nth)).collect(),
                unnamed: count(UNNAMED),
                further: count(FURTHER),
            }
        };
        (0..).zip(&self.intervals).map(interval).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Class, Connection};
    use crate::lane::{Policy, Protocol};
    use crate::schedule::{Rate, Schedule};

    fn lane() -> Lane {
        let schedule = Schedule::alone(Rate::per_second(1_000).unwrap(), Offset::ZERO);
        Lane { target: TargetId(0), policy: Policy::New, protocol: Protocol::Http1, schedule }
    }

    fn probe(ms: u64, class: Class) -> Probe {
        let due = Offset::from_millis(ms);
        Probe {
            slot: ms,
            due,
            sent: due,
            done: due,
            class,
            timed_out: false,
            connection: Connection::New,
            reconnects: 0,
        }
    }

    /// The versions of a run of 1000/s whose answers name what `naming` says, with an event from `event` ms on.
    fn versions(length: u64, event: u64, naming: impl Fn(u64) -> Option<String>) -> Versions {
        let (mut fold, mut phases) = (VersionFold::new(1, &[lane()]), Phases::default());
        if event > 0 {
            phases.begin(Phase::Baseline, Offset::ZERO);
        }
        phases.begin(Phase::Event, Offset::from_millis(event));
        for ms in 0..length {
            let name = naming(ms);
            let naming = name.as_deref().map_or(Naming::Nothing, Naming::Version);
            fold.push(LaneId(0), &probe(ms, Class::Ok), Some(naming), &phases);
        }
        fold.finish().remove(0)
    }

    fn generations(versions: &Versions) -> Vec<(&str, usize)> {
        versions.all.iter().map(|one| (one.name.as_str(), one.generation)).collect()
    }

    #[test]
    fn versions_met_in_the_baseline_are_old_and_each_one_met_later_is_newer() {
        let named = |ms: u64| match ms {
            0..1_000 => ["1", "2"][usize::try_from(ms % 2).unwrap()],
            1_000..2_000 => "3",
            _ => "4",
        };
        let met = versions(3_000, 1_000, |ms| Some(named(ms).to_owned()));
        assert_eq!(generations(&met), [("1", 0), ("2", 0), ("3", 1), ("4", 2)]);
        let met = versions(3_000, 0, |ms| Some(named(ms).to_owned()));
        assert_eq!(generations(&met), [("1", 0), ("2", 1), ("3", 2), ("4", 3)]);
        let met = versions(2_000, 1_000, |ms| (ms >= 1_200).then(|| "2".to_owned()));
        assert_eq!((generations(&met), met.unnamed), (vec![("2", 1)], 1_200), "the baseline named none");
        assert_eq!((met.all[0].first, met.all[0].last), (Offset::from_millis(1_200), Offset::from_millis(1_999)));
    }

    #[test]
    fn a_server_that_names_another_version_each_time_loses_no_answer() {
        let met = versions(50_000, 0, |ms| Some(format!("v{ms}")));
        assert_eq!((met.all.len(), met.further), (MAX_VERSIONS, 50_000 - MAX_VERSIONS as u64));
        assert!(met.shares.len() <= MAX_INTERVALS);
        assert_eq!(met.shares.iter().map(Interval::answers).sum::<u64>(), 50_000);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = |end: &str| format!("{}{end}", "x".repeat(10_000));
        let met = versions(10, 0, |ms| Some(long(if ms < 5 { "a" } else { "b" })));
        let names: Vec<_> = met.all.iter().map(|one| one.name.chars().count()).collect();
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|length| *length <= LONGEST_NAME), "{names:?}");
        assert!(met.all[0].name.contains("... (10001 bytes, "), "{}", met.all[0].name);
    }

    #[test]
    fn extreme_instants_are_counted() {
        let (mut fold, mut phases) = (VersionFold::new(1, &[lane()]), Phases::default());
        phases.begin(Phase::Event, Offset::ZERO);
        let far = Probe { done: Offset::from_nanos(u64::MAX), ..probe(0, Class::Status(503)) };
        fold.push(LaneId(0), &far, Some(Naming::Version("1")), &phases);
        fold.push(LaneId(9), &far, Some(Naming::Version("1")), &phases);
        let met = fold.finish().remove(0);
        assert_eq!((met.all[0].answers, met.all[0].failed), (1, 1));
    }
}
