//! When the service of a script fails first in the part that is played, and when it has recovered.

use std::time::Duration;

use lapse_measure::answer::Health;
use lapse_measure::lane::Policy;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;

use crate::door::Door;
use crate::script::Script;

/// What of a part of a run matters to those who count what clients do in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// The first instant at which a request may fail.
    pub(crate) first_failure: Option<Offset>,
    /// The instants from which on all is well after an episode; the end of the part for one that goes on there.
    pub(crate) recovered: Vec<Offset>,
    /// For how long the port is closed or drops SYNs, in time of the recording.
    pub(crate) unconnectable: Duration,
}

impl Weather {
    /// The weather of `part`.
    pub(crate) fn of(script: &Script, part: Span) -> Self {
        let half = script.fresh.schedule.period().max(script.kept.schedule.period()) / 2;
        let met = script.course.episodes.iter().filter(|episode| episode.from < part.to && part.from <= episode.to);
        let mut weather = Self { unconnectable: unconnectable(script, part), ..Self::default() };
        for episode in met {
            weather.first_failure.get_or_insert(episode.from.back(half).max(part.from));
            let recovered = recovery(script, episode.to.max(part.from), part.to);
            if weather.recovered.last() != Some(&recovered) {
                weather.recovered.push(recovered);
            }
        }
        weather
    }
}

/// The first instant from `at` on at which all is well; `end` if there is none before that.
fn recovery(script: &Script, mut at: Offset, end: Offset) -> Offset {
    while at < end && !is_well(script, at) {
        let changes =
            [script.doors.next_change(at), script.fresh.seen.next_change(at), script.kept.seen.next_change(at)];
        at = changes.into_iter().flatten().min().unwrap_or(end);
    }
    at.min(end)
}

fn is_well(script: &Script, at: Offset) -> bool {
    let serves = |policy| script.scene(policy, at).is_none_or(|scene| scene.class.health() != Health::Failed);
    script.doors.at(at).is_none_or(|door| *door == Door::Open) && serves(Policy::New) && serves(Policy::Reused)
}

fn unconnectable(script: &Script, part: Span) -> Duration {
    let (mut at, mut sum) = (part.from, Duration::ZERO);
    while at < part.to {
        let next = script.doors.next_change(at).unwrap_or(part.to).min(part.to);
        if script.doors.at(at).is_some_and(|door| *door != Door::Open) {
            sum += next.since(at);
        }
        at = next;
    }
    sum
}
