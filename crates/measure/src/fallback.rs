//! Stretches in which a lane met only older versions after it had met a newer one.
//!
//! While two versions share the traffic, answers of the older one follow each other by chance. So a stretch counts only
//! if chance does not explain it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::binomial::{Share, TAIL};
use super::lane::LaneId;
use super::schedule::Schedule;
use super::span::Span;
use super::time::{Bounded, Offset};
use super::version::VersionId;

/// The answers by which the share of the newer version is known.
const WINDOW: usize = 1_000;
/// The error that is allowed over all answers of a lane, beside that of the share.
const ERROR: f64 = 0.01;
/// The most stretches that are kept of a lane; further ones are counted.
const MAX_KEPT: usize = 200;

/// A stretch in which only versions older than the newest one answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// The lanes that met it; not all of the target's where only some did.
    pub lanes: Vec<LaneId>,
    /// The newest version, of which there was no answer.
    pub from: VersionId,
    /// The versions that answered instead.
    pub to: BTreeSet<VersionId>,
    /// From `sent` of its first answer to `done` of its last.
    pub span: Span,
    /// How long it lasted.
    pub length: Bounded,
    /// Whether it went on to the end of the run.
    pub to_the_end: bool,
}

/// An answer that names a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) slot: u64,
    pub(super) sent: Offset,
    pub(super) done: Offset,
    pub(super) version: VersionId,
    /// The age of the version: the versions that a run begins with have 0, each newer one a greater number.
    pub(super) generation: usize,
}

/// Finds the stretches of one lane, whose answers it takes in the order of slots.
#[derive(Clone, Debug)]
pub(super) struct Finder {
    lane: LaneId,
    schedule: Schedule,
    /// The last answer of the newest version.
    newest: Option<Met>,
    /// Of the last answers outside of stretches that count: whether each was of the newest version.
    recent: VecDeque<bool>,
    recent_newest: u64,
    /// The answers since the first one of the newest version.
    total: u64,
    stretch: Option<Stretch>,
    found: Vec<Fallback>,
    dropped: u64,
}

/// Answers of older versions that follow each other.
#[derive(Clone, Debug)]
struct Stretch {
    first: Met,
    last: Met,
    answers: u64,
    versions: BTreeSet<VersionId>,
}

impl Finder {
    pub(super) fn new(lane: LaneId, schedule: Schedule) -> Self {
        Self {
            lane,
            schedule,
            newest: None,
            recent: VecDeque::new(),
            recent_newest: 0,
            total: 0,
            stretch: None,
            found: Vec::new(),
            dropped: 0,
        }
    }

    /// Adds the answer of a later slot.
    pub(super) fn push(&mut self, met: Met) {
        let newest = self.newest.map_or(0, |newest| newest.generation);
        if met.generation > newest {
            self.close(Some(met));
            (self.recent, self.recent_newest, self.total) = Default::default();
        } else if newest == 0 {
            return;
        }
        self.total += 1;
        if met.generation < newest {
            let new = || Stretch { first: met, last: met, answers: 0, versions: BTreeSet::new() };
            let stretch = self.stretch.get_or_insert_with(new);
            stretch.last = met;
            stretch.answers += 1;
            stretch.versions.insert(met.version);
        } else {
            self.close(Some(met));
            self.remember(true);
            self.newest = Some(met);
        }
    }

    /// The stretches, now that no answer follows, and the number of those that were not kept.
    pub(super) fn finish(mut self) -> (Vec<Fallback>, u64) {
        self.close(None);
        (self.found, self.dropped)
    }

    /// Ends a stretch before the answer `next`, and keeps it if it counts.
    fn close(&mut self, next: Option<Met>) {
        let Some((stretch, before)) = self.stretch.take().zip(self.newest) else { return };
        let share = self.share(stretch.answers).filter(|share| self.is_beyond_chance(share.low, stretch.answers));
        let Some(share) = share else {
            (0..stretch.answers.min(WINDOW as u64)).for_each(|_| self.remember(false));
            return;
        };
        if self.found.len() < MAX_KEPT {
            self.found.push(Fallback {
                lanes: vec![self.lane],
                from: before.version,
                span: Span::new(stretch.first.sent, stretch.last.done),
                length: self.length(&stretch, share, before, next),
                to_the_end: next.is_none(),
                to: stretch.versions,
            });
        } else {
            self.dropped += 1;
        }
    }

    /// The share of the newest version among the recent answers; `None` if chance explains so many answers without it
    /// even at the share that was counted, which is known sooner than an interval. Counting began at an answer of the
    /// version, which says nothing of its share.
    fn share(&self, answers: u64) -> Option<Share> {
        let (hits, trials) = (self.recent_newest.checked_sub(1)?, (self.recent.len() as u64).checked_sub(1)?);
        let counted = float(hits) / float(trials.max(1));
        self.is_beyond_chance(counted, answers).then(|| Share::of(hits, trials))
    }

    /// Whether so many answers without the newest version would not follow each other by chance anywhere on the lane, if
    /// it had this share.
    fn is_beyond_chance(&self, share: f64, answers: u64) -> bool {
        float(self.total) * (float(answers) * (-share).ln_1p()).exp() < ERROR
    }

    /// How long a stretch lasted. Where the newest version had a share only, some answers beside the stretch would have
    /// been of older versions by chance.
    fn length(&self, stretch: &Stretch, share: Share, before: Met, next: Option<Met>) -> Bounded {
        let slots = stretch.last.slot.saturating_sub(stretch.first.slot).saturating_add(1);
        let edges = if next.is_some() { 2.0 } else { 1.0 };
        let period = self.schedule.time_of(1).as_secs_f64();
        let time = |slots: f64| Duration::try_from_secs_f64(slots * period).unwrap_or(Duration::MAX);
        let expected = (1.0 - share.estimate) / share.estimate.max(f64::MIN_POSITIVE);
        let at_most_by_chance = (TAIL.ln() / (-share.low).ln_1p() - 1.0).max(0.0);
        let estimate = self.schedule.time_of(slots).saturating_sub(time(edges * expected));
        let certain = stretch.last.sent.since(stretch.first.done);
        let at_least = certain.saturating_sub(time(edges * at_most_by_chance));
        Bounded::new(estimate, at_least, next.map(|next| next.done.since(before.sent)))
    }

    fn remember(&mut self, newest: bool) {
        if self.recent.len() == WINDOW && self.recent.pop_front() == Some(true) {
            self.recent_newest -= 1;
        }
        self.recent.push_back(newest);
        self.recent_newest += u64::from(newest);
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of answers")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The stretches of a target: those of its lanes, joined where they overlap.
pub(super) fn joined(mut all: Vec<Fallback>) -> Vec<Fallback> {
    all.sort_by_key(|one| (one.span.from, one.span.to));
    let mut joined: Vec<Fallback> = Vec::new();
    for one in all {
        match joined.last_mut().filter(|last| last.span.to >= one.span.from && last.from == one.from) {
            Some(last) => last.add(one),
            None => joined.push(one),
        }
    }
    joined
}

impl Fallback {
    /// Adds the same stretch as another lane met it; the longer one gives the length.
    fn add(&mut self, other: Self) {
        self.lanes.extend(other.lanes.iter().copied().filter(|lane| !self.lanes.contains(lane)).collect::<Vec<_>>());
        self.lanes.sort_unstable();
        self.to.extend(other.to);
        self.span = Span::new(self.span.from.min(other.span.from), self.span.to.max(other.span.to));
        if other.length.estimate > self.length.estimate {
            self.length = other.length;
        }
        self.to_the_end |= other.to_the_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Rate;

    /// Stretches in a lane of 1000/s whose answers are `old` or new, each as `chance` says of its slot.
    fn found(slots: u64, share: impl Fn(u64) -> f64, seed: u64) -> Vec<Fallback> {
        let mut finder = Finder::new(LaneId(0), Schedule::alone(Rate::per_second(1_000).unwrap(), Offset::ZERO));
        let mut random = seed;
        for slot in 0..slots {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let is_new = float(random >> 11) / float(1 << 53) < share(slot);
            let sent = Offset::from_millis(slot);
            let done = sent + Duration::from_micros(300);
            let generation = usize::from(is_new);
            finder.push(Met { slot, sent, done, version: VersionId(generation), generation });
        }
        finder.finish().0
    }

    #[test]
    fn a_fallback_has_bounds_that_hold_it_whatever_share_the_newer_version_had() {
        for (seed, share) in (0..).zip([1.0, 0.9, 0.5, 0.3, 0.1]) {
            let back = |slot| (6_200..6_900).contains(&slot);
            let found = found(12_000, |slot| if slot < 3_000 || back(slot) { 0.0 } else { share }, seed);
            let [one] = found.as_slice() else { panic!("{share}: {found:?}") };
            assert!(!one.to_the_end && one.from == VersionId(1) && one.to == [VersionId(0)].into(), "{one:?}");
            let truth = Duration::from_millis(700);
            assert!(one.length.at_least <= truth && one.length.at_most.unwrap() >= truth, "{share}: {one:?}");
            assert!(one.length.estimate.abs_diff(truth) < Duration::from_millis(60), "{share}: {one:?}");
        }
    }

    #[test]
    fn what_chance_explains_is_no_fallback() {
        let mut seen = 0;
        for seed in 0..20 {
            for share in [0.01, 0.1, 0.5, 0.9] {
                seen += found(20_000, |slot| if slot < 1_000 { 0.0 } else { share }, seed * 7 + 1).len();
            }
            // Moved over ten seconds.
            seen += found(15_000, |slot| (float(slot) - 2_000.0) / 10_000.0, seed * 11 + 5).len();
        }
        assert!(seen <= 2, "{seen} of 100 runs");
    }

    #[test]
    fn a_canary_that_is_rolled_back_is_a_fallback_to_the_end() {
        let found = found(10_000, |slot| if (3_000..6_000).contains(&slot) { 0.1 } else { 0.0 }, 3);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert!(one.to_the_end && one.length.at_most.is_none(), "{one:?}");
        let from = one.span.from.since(Offset::ZERO);
        assert!(from.abs_diff(Duration::from_secs(6)) < Duration::from_millis(100), "{from:?}");
    }

    #[test]
    fn a_lane_without_a_newer_version_has_none() {
        assert_eq!(found(5_000, |_| 0.0, 1), []);
        assert_eq!(found(5_000, |slot| if slot == 1_000 { 1.0 } else { 0.0 }, 1), [], "one answer has no share");
    }
}
