//! What came of the addresses of a target whose name has several, as a sentence for the reports.

use std::collections::BTreeMap;

use lapse_hammer::addresses::{AddressTallies, AddressTally};
use lapse_measure::lane::{Lane, LaneId, TargetId};
use lapse_measure::phrase::Count;
use lapse_measure::time::{Human, Offset};

/// The addresses that are listed of a target.
const LISTED: usize = 8;

/// A sentence for each target that has more than one address, by the tallies of its lanes.
pub(crate) fn notes(tallies: Vec<(LaneId, AddressTallies)>, lanes: &[Lane], names: &[String]) -> Vec<String> {
    let mut targets: BTreeMap<TargetId, AddressTallies> = BTreeMap::new();
    for (lane, tallies) in tallies {
        let Some(lane) = lanes.get(lane.0) else { continue };
        let own = targets.entry(lane.target).or_default();
        for (address, tally) in &tallies {
            own.entry(*address).or_default().add(tally);
        }
    }
    let several = targets.iter().filter(|(_, addresses)| addresses.len() > 1);
    several.filter_map(|(target, addresses)| Some(sentence(names.get(target.0)?, addresses))).collect()
}

fn sentence(name: &str, addresses: &AddressTallies) -> String {
    let listed: Vec<_> =
        addresses.iter().take(LISTED).map(|(address, tally)| format!("{address} {}", of(tally))).collect();
    let more = addresses.len().saturating_sub(LISTED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{name} has {} addresses: {}{more}", addresses.len(), listed.join("; "))
}

fn of(tally: &AddressTally) -> String {
    let AddressTally { tried, connected, failed, met } = tally;
    let time = |at: Offset| Human(at.since(Offset::ZERO));
    let when = met.map(|(first, last)| format!(", from {} to {}", time(first), time(last))).unwrap_or_default();
    let why = match failed {
        Some(class) => format!(" ({class})"),
        None if connected < tried => " (no answer in time)".to_owned(),
        None => String::new(),
    };
    match *connected {
        0 => format!("never connected in {} attempts{why}", Count(*tried)),
        all if all == *tried => format!("connected {} times{when}", Count(all)),
        some => format!("connected {} of {} times{why}{when}", Count(some), Count(*tried)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::Class;

    #[test]
    fn each_address_says_what_came_of_it() {
        let at = Offset::from_millis;
        let tally = |tried, connected, failed| {
            let met = (connected > 0).then_some((at(100), at(5_000)));
            AddressTally { tried, connected, failed, met }
        };
        let all = [
            ("127.0.0.1:80", tally(1_500, 0, Some(Class::Refused))),
            ("127.0.0.2:80", tally(1_500, 1_500, None)),
            ("127.0.0.3:80", tally(20, 10, None)),
        ];
        let said = "shop has 3 addresses: 127.0.0.1:80 never connected in 1,500 attempts (refused); 127.0.0.2:80 connected \
                    1,500 times, from 100 ms to 5.00 s; 127.0.0.3:80 connected 10 of 20 times (no answer in time), from \
                    100 ms to 5.00 s";
        assert_eq!(sentence("shop", &all.map(|(address, tally)| (address.parse().unwrap(), tally)).into()), said);
    }
}
