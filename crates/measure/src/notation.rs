//! Timelines written as text, one character per slot, so that a test reads as a specification.
//!
//! `.` ok, `s` slow, `x` status 503, `r` refused, `t` response timeout, `?` not sent, ` ` no record.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "only tests call this")]

use std::num::NonZeroU64;
use std::time::Duration;

use super::answer::{Class, Connection, Probe, Unsent};
use super::fold::Fold;
use super::lane::{Lane, LaneId, Policy, Protocol, TargetId};
use super::observations::Observations;
use super::phase::Phase;
use super::schedule::{Rate, Schedule};
use super::time::Offset;
use super::timeline::Timeline;

/// The schedule of the only lane of a target at 1000/s: slot k is due at k ms.
pub fn schedule() -> Schedule {
    schedules(1).remove(0)
}

/// The schedules of the `lanes` lanes of a target at 1000/s.
pub fn schedules(lanes: u64) -> Vec<Schedule> {
    Schedule::interleaved(Rate::per_second(1000).unwrap(), NonZeroU64::new(lanes).unwrap(), Offset::ZERO).collect()
}

/// The probes that `notation` describes on `schedule`. Each is sent when due and done at once, but for a response
/// timeout (after 50 ms) and a slow answer (after 20 ms).
pub fn probes_on(schedule: &Schedule, notation: &str) -> Vec<Probe> {
    let read = |(slot, letter): (u64, char)| {
        let class = match letter {
            '.' => Class::Ok,
            's' => Class::Slow,
            'x' => Class::Status(503),
            'r' => Class::Refused,
            't' => Class::ResponseTimeout,
            '?' => Class::NotSent(Unsent::InFlightLimit),
            ' ' => return None,
            other => panic!("{other:?} is not a slot"),
        };
        let trip = Duration::from_millis(match letter {
            't' => 50,
            's' => 20,
            _ => 0,
        });
        let due = schedule.due(slot);
        let (timed_out, connection) = (letter == 't', Connection::Reused);
        Some(Probe { slot, due, sent: due, done: due + trip, class, timed_out, connection, reconnects: 0 })
    };
    (0..).zip(notation.chars()).filter_map(read).collect()
}

/// The probes of `notation` on [`schedule`], one per millisecond.
pub fn probes(notation: &str) -> Vec<Probe> {
    probes_on(&schedule(), notation)
}

/// The timeline of these probes.
pub fn timeline(schedule: Schedule, probes: &[Probe]) -> Timeline {
    let mut timeline = Timeline::new(schedule);
    for probe in probes {
        timeline.push(probe);
    }
    timeline
}

/// The timeline of `notation` on [`schedule`], one slot per millisecond.
pub fn lane(notation: &str) -> Timeline {
    timeline(schedule(), &probes(notation))
}

/// The lanes of one target at 1000/s: the first reuses connections, each other one opens a connection per probe.
pub fn lanes(count: u64) -> Vec<Lane> {
    let lane = |(nth, schedule)| {
        let policy = if nth == 0 { Policy::Reused } else { Policy::New };
        Lane { target: TargetId(0), policy, protocol: Protocol::Http1, schedule }
    };
    schedules(count).into_iter().enumerate().map(lane).collect()
}

/// The observations of a run against one target with a lane for each notation. The whole run is the event.
pub fn seen(notations: &[&str]) -> Observations {
    let lanes = lanes(notations.len() as u64);
    let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
    fold.begin(Phase::Event, Offset::ZERO);
    for (index, notation) in notations.iter().enumerate() {
        for probe in probes_on(&lanes[index].schedule, notation) {
            assert!(fold.push(LaneId(index), probe, None));
        }
    }
    let end = lanes.iter().zip(notations).map(|(lane, notation)| lane.schedule.due(notation.len() as u64)).max();
    fold.finish(end.unwrap())
}
