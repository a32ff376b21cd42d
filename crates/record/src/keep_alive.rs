//! Keep-alive races: a server that closes connections after some time without a request, while the next request is on
//! its way. What is found here is a hint at a cause; no figure and no verdict depends on it.

use std::time::Duration;

use crate::failure::Failure;
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::observations::LaneObservations;

/// The shortest keep-alive timeout that is taken for one. A pool that sends often has idle times that are far shorter.
const SHORTEST: Duration = Duration::from_millis(500);
/// How long a failure may take to be seen in any case, where healthy answers are faster.
const AT_ONCE: Duration = Duration::from_millis(20);
/// How far the idle times of a race may lie apart in any case, where a tenth of the longest is less.
const APART: Duration = Duration::from_millis(50);

/// The failures of a target, all of them requests on connections that had been idle for the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAliveRace {
    /// The number of failed requests.
    pub failed: u64,
    /// The shortest time for which a connection had been idle when it failed a request.
    pub idle_at_least: Duration,
    /// The longest such time.
    pub idle_at_most: Duration,
}

impl KeepAliveRace {
    /// The race of the target that has these lanes, if its failures were one: see `docs/MEASUREMENT.md`.
    pub(crate) fn find(lanes: &[&LaneObservations], kept: &[Failure]) -> Option<Self> {
        let of = |policy| lanes.iter().filter(move |lane| lane.lane.policy == policy);
        let new_is_clean = of(Policy::New).all(|lane| lane.counts.failed == 0);
        if !new_is_clean || of(Policy::New).all(|lane| lane.counts.resolved == 0) {
            return None;
        }
        let failures = || {
            of(Policy::Reused)
                .flat_map(|lane| kept.iter().filter(|one| one.lane == lane.id).map(move |one| (*lane, one)))
        };
        let idle: Vec<_> = failures().map(|(lane, one)| idle_before(lane, one)).collect::<Option<_>>()?;
        let (idle_at_least, idle_at_most) = (*idle.iter().min()?, *idle.iter().max()?);
        // A server that stops closes each idle connection once. Only its timeout closes them again once they were idle
        // for as long again.
        let first = failures().map(|(_, one)| one.probe.sent).min()?;
        let last = failures().map(|(_, one)| one.probe.sent).max()?;
        let recurred = last.since(first) > idle_at_most;
        let alike = idle_at_most.saturating_sub(idle_at_least) <= APART.max(idle_at_most / 10);
        let failed = of(Policy::Reused).map(|lane| lane.counts.failed).sum();
        (recurred && alike && idle_at_least >= SHORTEST).then_some(Self { failed, idle_at_least, idle_at_most })
    }
}

/// For how long the connection had been idle, if the request failed as one does that crosses the server's close.
fn idle_before(lane: &LaneObservations, failure: &Failure) -> Option<Duration> {
    let probe = &failure.probe;
    let at_once = probe.done.since(probe.sent) <= lane.trip.quantile(0.99).unwrap_or_default().max(AT_ONCE);
    let closed = matches!(probe.class, Class::Closed | Class::Reset);
    failure.evidence.idle.filter(|_| closed && at_once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::sample::{Answer, Sample};
    use lapse_measure::phase::Phase;

    /// A run in which requests on kept connections fail at these times after an idle time, in ms.
    fn record(failing: &[(u64, u64)], class: Class, new: Class) -> Record {
        let sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
        sample.record(10_000, |lane, ms| match (lane.policy, failing.iter().find(|(at, _)| *at == ms)) {
            (Policy::Reused, Some((_, idle))) => Answer::after(class, 200).idle(Duration::from_millis(*idle)),
            (Policy::New, _) if ms == 5_001 => Answer::after(new, 200),
            _ => Answer::after(Class::Ok, 300),
        })
    }

    fn found(record: &Record) -> Option<KeepAliveRace> {
        record.summary.targets[0].keep_alive_race
    }

    const RACE: [(u64, u64); 3] = [(2_000, 1_998), (4_200, 2_001), (8_000, 2_000)];

    #[test]
    fn requests_that_fail_at_the_same_idle_time_again_and_again_are_a_race() {
        let [idle_at_least, idle_at_most] = [1_998, 2_001].map(Duration::from_millis);
        let race = KeepAliveRace { failed: 3, idle_at_least, idle_at_most };
        assert_eq!(found(&record(&RACE, Class::Closed, Class::Ok)), Some(race));
        assert_eq!(found(&record(&RACE, Class::Reset, Class::Ok)), Some(race));
    }

    #[test]
    fn other_failures_are_no_race() {
        let none =
            |failing: &[(u64, u64)], class, new, why| assert_eq!(found(&record(failing, class, new)), None, "{why}");
        none(&[], Class::Closed, Class::Ok, "nothing failed");
        none(&RACE, Class::Closed, Class::Refused, "new connections failed as well");
        none(&RACE, Class::Status(502), Class::Ok, "the server answered");
        none(&RACE[..1], Class::Closed, Class::Ok, "it did not come again");
        none(&[(2_000, 2_000), (3_800, 2_000)], Class::Closed, Class::Ok, "a stop closes all connections in one round");
        none(&[(2_000, 2_000), (8_000, 1_000)], Class::Closed, Class::Ok, "the idle times differ");
        none(&[(2_000, 16), (8_000, 16)], Class::Closed, Class::Ok, "no server has so short a timeout");
    }

    #[test]
    fn a_journal_without_idle_times_shows_no_race() {
        let sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
        let record = sample.record(10_000, |lane, ms| match (lane.policy, ms) {
            (Policy::Reused, 2_000 | 8_000) => Answer::after(Class::Closed, 200),
            _ => Answer::after(Class::Ok, 300),
        });
        assert_eq!(found(&record), None);
    }
}
