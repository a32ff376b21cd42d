//! What a recorded run does to clients, by the offset at which they come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lapse_measure::answer::{Class, Health, Unsent};
use lapse_measure::lane::{Policy, Protocol};
use lapse_measure::schedule::Schedule;
use lapse_measure::time::Offset;
use lapse_measure::timeline::Run;
use lapse_record::failure::Failure;

use crate::delays::Took;
use crate::door::Door;
use crate::mark::Course;
use crate::track::Track;

/// Slots without a connection that stand for less than this say nothing of requests that have one.
const BRIEFLY: Duration = Duration::from_millis(20);

/// A recorded run of one target, as a server is to play it.
#[derive(Debug)]
pub struct Script {
    /// The name of the run.
    pub name: String,
    /// The name of the target in it.
    pub target: String,
    /// The version of HTTP that the target was probed with.
    pub protocol: Protocol,
    /// Whether the target was probed over TLS.
    pub is_encrypted: bool,
    /// The course of the run, in which parts of it can be found.
    pub course: Course,
    /// What is not played as it was recorded, in sentences.
    pub notes: Vec<String>,
    /// What is played more coarsely because only a report is left, in sentences; empty for a journal.
    pub coarser: Vec<String>,
    pub(crate) doors: Track<Door>,
    /// When a kept lane found idle connections closed, in order, and how many.
    pub(crate) closings: Vec<(Offset, u32)>,
    /// What the first request on a connection meets.
    pub(crate) fresh: Arc<LaneScript>,
    /// What later requests on a connection meet.
    pub(crate) kept: Arc<LaneScript>,
}

/// What one lane saw.
#[derive(Debug)]
pub(crate) struct LaneScript {
    pub(crate) schedule: Schedule,
    pub(crate) seen: Track<Seen>,
    pub(crate) took: Took,
    /// The failures that were kept one by one, in the order of their slots.
    pub(crate) failures: Vec<Failure>,
}

/// Slots of one class in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) class: Class,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// What the run did to a request at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) class: Class,
    /// From the request to its answer, or to its failure.
    pub(crate) delay: Duration,
    /// The failed probe of that instant, or the nearest one of its class that was kept.
    pub(crate) failure: Option<&'a Failure>,
}

impl Script {
    /// What a request meets at `at`: the first on its connection what new connections met, a later one what kept
    /// connections did. Where one lane's probe got no connection, a request that has one meets what the other lane did.
    pub(crate) fn scene(&self, policy: Policy, at: Offset) -> Option<Scene<'_>> {
        let (own, other) = match policy {
            Policy::New => (&self.fresh, &self.kept),
            Policy::Reused => (&self.kept, &self.fresh),
        };
        let got_one = |scene: &Scene<'_>| matches!(Door::met(scene.class), Some(Door::Open) | None);
        let own = own.scene(at);
        own.filter(got_one).or_else(|| other.scene(at).filter(got_one)).or(own)
    }
}

impl LaneScript {
    fn scene(&self, at: Offset) -> Option<Scene<'_>> {
        let Seen { class, first, last } = *self.seen.at(at)?;
        let nearest = self.schedule.slots_before(at + self.schedule.period() / 2).saturating_sub(1);
        let slot = nearest.clamp(first, last);
        let failure = if class.health() == Health::Failed { self.failure(slot, class) } else { None };
        let delay = match (&self.took, failure) {
            (Took::Drawn(_), Some(Failure { probe, .. })) => probe.done.since(probe.sent),
            (took, _) => took.of(slot),
        };
        Some(Scene { class, delay, failure })
    }

    fn failure(&self, slot: u64, class: Class) -> Option<&Failure> {
        let at = self.failures.partition_point(|failure| failure.probe.slot < slot);
        let is_it = |failure: &&Failure| failure.probe.class == class;
        let exact = self.failures.get(at).filter(|failure| failure.probe.slot == slot);
        let nearest = || self.failures.iter().filter(is_it).min_by_key(|failure| failure.probe.slot.abs_diff(slot));
        exact.filter(is_it).or_else(nearest)
    }
}

/// The classes of a lane over time, of the runs of slots that `counts` selects. A slot holds for half a period before
/// and after it was due; `late` has when failed slots were sent that were late: until then, at least, the service
/// failed. Where slots are left out, their neighbours meet in the middle.
pub(crate) fn seen(
    schedule: &Schedule,
    runs: &[Run],
    late: &BTreeMap<u64, Offset>,
    counts: impl Fn(&Run) -> bool,
) -> Track<Seen> {
    let mut track = Track::default();
    let half = schedule.period() / 2;
    let mut end = Offset::ZERO;
    for run in runs.iter().filter(|run| counts(run)) {
        let due = schedule.due(run.slot).back(half);
        let from = if due > end { end + due.since(end) / 2 } else { end };
        let sent = late.range(run.slot..=run.last_slot()).map(|(_, sent)| *sent).max();
        let to = (schedule.due(run.last_slot()) + half).max(sent.unwrap_or(Offset::ZERO));
        if from < to {
            track.push(from, Seen { class: run.class, first: run.slot, last: run.last_slot() });
        }
        end = end.max(to);
    }
    track
}

/// Selects the runs of slots that show what becomes of a request: slots that had a connection, and those without one
/// that stand for a longer time together. Between two requests that were served, a single probe without a connection
/// says nothing of the connections that others had.
pub(crate) fn of_requests(schedule: Schedule, runs: &[Run]) -> impl Fn(&Run) -> bool + use<> {
    let mut without: Vec<(u64, u64)> = Vec::new();
    let mut goes_on = false;
    for run in runs.iter().filter(|run| was_sent(run)) {
        let has_none = matches!(Door::met(run.class), Some(Door::Shut | Door::Swallowing));
        match without.last_mut().filter(|_| goes_on) {
            Some((_, last)) if has_none => *last = run.last_slot(),
            _ if has_none => without.push((run.slot, run.last_slot())),
            _ => {}
        }
        goes_on = has_none;
    }
    without.retain(|(first, last)| schedule.time_of(last - first + 1) < BRIEFLY);
    move |run| {
        let at = without.partition_point(|(_, last)| *last < run.slot);
        was_sent(run) && without.get(at).is_none_or(|(first, _)| run.slot < *first)
    }
}

/// The sentence about a run that has one lane only.
pub(crate) fn only_lane(policy: Policy) -> String {
    format!("the run has only the lane {policy}: all requests follow it")
}

/// Whether the slots of a run show what the service did. Of those that were not sent only a GOAWAY does.
pub(crate) fn was_sent(run: &Run) -> bool {
    run.class.health() != Health::Blind || run.class == Class::NotSent(Unsent::GoAway)
}

#[cfg(test)]
mod tests {
    use lapse_measure::notation::lane;

    use super::*;

    /// A character for each half of a millisecond: the class of the slot that holds then.
    fn played(notation: &str, late: &[(u64, u64)]) -> String {
        let late = late.iter().map(|(slot, ms)| (*slot, Offset::from_millis(*ms))).collect();
        let timeline = lane(notation);
        let track = seen(timeline.schedule(), timeline.runs(), &late, was_sent);
        let halves = 0..notation.len() as u64 * 2;
        let character = |half: u64| match track.at(Offset::from_nanos(half * 500_000 + 1)).map(|seen| seen.class) {
            Some(Class::Ok) => '.',
            Some(Class::Status(503)) => 'x',
            other => panic!("{other:?}"),
        };
        halves.map(character).collect()
    }

    #[test]
    fn a_slot_holds_for_half_a_period_before_and_after_it_was_due() {
        assert_eq!(played("..xx.", &[]), "...xxxx...");
        assert_eq!(played("x..", &[]), "x.....");
    }

    #[test]
    fn slots_that_were_not_sent_take_the_class_of_their_nearer_neighbour() {
        assert_eq!(played("..??xx", &[]), ".....xxxxxxx");
        assert_eq!(played("??x?.", &[]), "xxxxxx....", "the first one holds from the start");
    }

    #[test]
    fn a_few_probes_without_a_connection_say_nothing_of_requests_that_have_one() {
        let played = |without: usize| {
            let timeline = lane(&format!("....{}....", "r".repeat(without)));
            let (schedule, runs) = (timeline.schedule(), timeline.runs());
            let track = seen(schedule, runs, &BTreeMap::new(), of_requests(*schedule, runs));
            track.at(Offset::from_millis(5)).unwrap().class
        };
        assert_eq!((played(19), played(20)), (Class::Ok, Class::Refused));
    }

    #[test]
    fn a_failure_holds_until_its_late_probe_was_sent() {
        assert_eq!(played(".xx.....", &[(2, 5)]), ".xxxxxxxxx......");
        assert_eq!(played(".xx..xx.", &[(2, 5)]), ".xxxxxxxxxxxx...", "and hides what was sent with it");
    }
}
