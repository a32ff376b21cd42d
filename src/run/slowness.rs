//! Where the slow answers of a target spent their time, as a sentence for the reports.

use std::collections::BTreeMap;

use lapse_hammer::slowness::{SlowTally, Stage};
use lapse_measure::lane::{Lane, LaneId, TargetId};
use lapse_measure::phrase::{Count, part};

/// A sentence for each target with slow answers, by the tallies of its lanes.
pub(crate) fn notes(tallies: &[(LaneId, SlowTally)], lanes: &[Lane], names: &[String]) -> Vec<String> {
    let mut targets: BTreeMap<TargetId, SlowTally> = BTreeMap::new();
    for (lane, tally) in tallies {
        if let Some(lane) = lanes.get(lane.0) {
            targets.entry(lane.target).or_default().add(tally);
        }
    }
    targets.iter().filter_map(|(target, tally)| sentence(names.get(target.0)?, tally)).collect()
}

fn sentence(name: &str, tally: &SlowTally) -> Option<String> {
    let stages = SlowTally::STAGES.iter().zip(tally.stages);
    let (stage, count) = stages.max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0)?;
    let all = part(count, tally.total(), "slow answer");
    let doing = match stage {
        Stage::Resolving => "resolving the name",
        Stage::Connecting => "connecting",
        Stage::Securing => "in the TLS handshake",
        Stage::Answering => "between request and answer",
    };
    let heaps = tally.seconds.iter().zip(1..).filter(|(count, _)| **count > 0);
    let heaps: Vec<_> =
        heaps.map(|(count, seconds): (_, u64)| format!("{} about {seconds}.0 s", Count(*count))).collect();
    let why = if *stage == Stage::Connecting && !heaps.is_empty() {
        format!(
            ", {}: their SYN was dropped and the kernel sent it again, as when the server's backlog of connections is full",
            heaps.join(", ")
        )
    } else {
        String::new()
    };
    Some(format!("{name}: {all} spent most of the time {doing}{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_that_took_most_of_them_is_named() {
        let said = |stages, seconds| sentence("shop", &SlowTally { stages, seconds });
        assert_eq!(said([0; 4], [0; 8]), None);
        let answering = "shop: 9 of 10 slow answers spent most of the time between request and answer";
        assert_eq!(said([0, 1, 0, 9], [1, 0, 0, 0, 0, 0, 0, 0]).as_deref(), Some(answering));
        let connecting = "shop: 1,500 of 1,501 slow answers spent most of the time connecting, 1,400 about 1.0 s, 90 about \
                          3.0 s: their SYN was dropped and the kernel sent it again, as when the server's backlog of \
                          connections is full";
        assert_eq!(said([0, 1_500, 0, 1], [1_400, 0, 90, 0, 0, 0, 0, 0]).as_deref(), Some(connecting));
    }
}
