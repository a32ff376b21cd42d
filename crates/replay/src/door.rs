//! What a port does to new connections over the run.

use std::time::Duration;

use lapse_measure::answer::{Class, Health};
use lapse_measure::schedule::Schedule;
use lapse_measure::time::Offset;

use crate::track::Track;

/// What the port does to a new connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    /// Accepts it.
    #[default]
    Open,
    /// Refuses it: the port is closed.
    Shut,
    /// Drops its SYN.
    Swallowing,
}

impl Door {
    /// The state in a word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Shut => "closed",
            Self::Swallowing => "drops-syns",
        }
    }

    /// The state that a probe met which opened a connection; `None` if nothing was sent.
    ///
    /// No server can make its own name or its network unknown to a client on the same machine, so `dns` and
    /// `unreachable` are played as what is nearest: a connection that fails at once.
    pub(crate) const fn met(class: Class) -> Option<Self> {
        match class {
            Class::Refused | Class::Unreachable | Class::Dns => Some(Self::Shut),
            Class::ConnectTimeout => Some(Self::Swallowing),
            _ if matches!(class.health(), Health::Blind) => None,
            _ => Some(Self::Open),
        }
    }
}

/// A connection that was opened, or not, on a lane that keeps its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    /// When the port was asked.
    pub(crate) at: Offset,
    /// What it did.
    pub(crate) door: Door,
}

/// Puts what kept lanes met when they had to connect between what the lane of new connections met. Each holds for half
/// the time to the neighbouring probes of other lanes.
pub(crate) fn with_dials(doors: &Track<Door>, mut dials: Vec<Dial>, spacing: Duration) -> Track<Door> {
    dials.sort_unstable_by_key(|dial| dial.at);
    let half = spacing / 2;
    let mut over: Vec<(Offset, Offset, Door)> = Vec::with_capacity(dials.len());
    for Dial { at, door } in dials {
        let from = over.last().map_or(Offset::ZERO, |(_, to, _)| *to).max(at.back(half));
        let to = at + half;
        if from < to {
            over.push((from, to, door));
        }
    }
    doors.overlaid(&over)
}

/// The time from a slot of a target's lane to the next slot of any of its `lanes`.
pub(crate) fn spacing(schedule: &Schedule, lanes: usize) -> Duration {
    schedule.period() / u32::try_from(lanes).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_lane_that_had_to_connect_shows_the_port_between_the_probes_of_the_other_lane() {
        let doors: Track<Door> =
            [(Offset::ZERO, Door::Open), (Offset::from_millis(10), Door::Shut)].into_iter().collect();
        let dial = |ms, door| Dial { at: Offset::from_millis(ms), door };
        let dials = vec![dial(20, Door::Open), dial(4, Door::Swallowing)];
        let doors = with_dials(&doors, dials, Duration::from_millis(1));
        let at = |micros: u64| *doors.at(Offset::from_nanos(micros * 1_000)).unwrap();
        assert_eq!(
            [at(3_400), at(3_600), at(4_400), at(4_600)],
            [Door::Open, Door::Swallowing, Door::Swallowing, Door::Open]
        );
        assert_eq!([at(19_000), at(20_000), at(21_000)], [Door::Shut, Door::Open, Door::Shut]);
    }
}
