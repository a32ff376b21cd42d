//! Disruptions of a lane in words: how long they lasted, in how many outages, and what share they cost as which
//! classes.

use std::collections::BTreeMap;

use super::phrase::{Count, classes, lost_share, share, some};
use crate::longest::LaneDisruption;
use lapse_measure::answer::Class;
use lapse_measure::disruption::Disruption;
use lapse_measure::episode::Episode;
use lapse_measure::observations::LaneObservations;

/// The disruptions of a lane that begin during an episode of its target, in order of time.
pub(crate) fn within<'a>(lane: &'a LaneObservations, episode: &Episode) -> &'a [Disruption] {
    let first = lane.disruptions.partition_point(|one| one.from < episode.from);
    let end = lane.disruptions.partition_point(|one| one.from <= episode.to);
    &lane.disruptions[first..end.max(first)]
}

/// How long a disruption lasted, with bounds, and in how many outages where it was no single one.
pub(crate) fn lasted((lane, one): LaneDisruption<'_>) -> String {
    match one.outages_of(&lane.outages).len() as u64 {
        0 | 1 => one.length().to_string(),
        several => format!("{} in {}", one.length(), some(several, "outage")),
    }
}

/// The duration of a single disruption; of several, their number and the longest.
pub(crate) fn durations(lane: &LaneObservations, disruptions: &[Disruption]) -> String {
    let longer = |best: &'_ Disruption, next: &'_ Disruption| next.length().estimate > best.length().estimate;
    let longest = disruptions.iter().reduce(|best, next| if longer(best, next) { next } else { best });
    match (disruptions.len() as u64, longest) {
        (_, None) => String::new(),
        (1, Some(only)) => lasted((lane, only)),
        (many, Some(longest)) => format!("{} disruptions, longest {}", Count(many), lasted((lane, longest))),
    }
}

/// The cost of disruptions to a lane, from the first failure of each to its last: failed probes, their share, and their
/// classes.
pub(crate) fn cost(lane: &LaneObservations, disruptions: &[Disruption]) -> String {
    let failed = disruptions.iter().map(|one| one.failed).sum();
    let resolved = disruptions.iter().map(|one| one.resolved).sum();
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    for (class, count) in disruptions.iter().flat_map(|one| one.classes_of(&lane.timeline)) {
        *counts.entry(class).or_insert(0) += count;
    }
    format!("{}: {}", lost_share(failed, resolved), classes(&counts))
}

/// The lost probes of a disruption for a narrow column: `150`, or `799 of 2,000 (40 %)` if some succeeded meanwhile.
pub(crate) fn lost(one: &Disruption) -> String {
    if one.failed == one.resolved {
        return Count(one.failed).to_string();
    }
    format!("{} of {} ({})", Count(one.failed), Count(one.resolved), share(one.failed, one.resolved))
}
