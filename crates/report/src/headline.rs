//! The first sentence of every report: for how long which share of whose requests failed, as a person would say it.

use lapse_measure::answer::Health;
use lapse_measure::disruption::{self, Disruption};
use lapse_measure::fold::LaneObservations;
use lapse_measure::lane::Policy;
use lapse_measure::time::Human;
use lapse_measure::verdict::Case;

use super::text::phrase::some;

/// Classes that are named; the others are summed up.
const NAMED: usize = 3;

/// A sentence for each target that lost requests, about the disruption that cost it most.
pub(super) fn sentences(case: Case<'_>) -> Vec<String> {
    (0..case.targets.len()).filter_map(|target| sentence(case, target)).collect()
}

fn sentence(case: Case<'_>, target: usize) -> Option<String> {
    let lanes: Vec<_> = case.lanes_of(target);
    let found: Vec<_> = lanes.iter().map(|(_, lane)| disruption::find(lane)).collect();
    let all =
        lanes.iter().zip(&found).flat_map(|((place, lane), found)| found.iter().map(move |one| (*place, *lane, one)));
    // Of equals the first: the same record gives the same words.
    let worst = all.reduce(|worst, next| if next.2.failed > worst.2.failed { next } else { worst })?;
    let (place, lane, worst) = worst;
    let name = if case.targets.len() > 1 { format!("{}: ", case.targets[target]) } else { String::new() };
    let (length, cost) = (Human(worst.length().estimate), lost(case.lanes[place].policy, lane, worst));
    let mut parts = vec![format!("{name}for {length}, {cost}")];
    parts.extend(lanes.iter().filter(|(other, _)| *other != place).filter_map(|(other, lane)| {
        let (cell, who) = (worst.cell_of(lane), who(case.lanes[*other].policy));
        match (cell.due(), cell.resolved()) {
            (0, _) => None,
            // Blind is not up: what was not sent was not answered either.
            (_, 0) => Some(format!("of {who} nothing is known")),
            (_, resolved) => Some(format!("{who} lost {}", share(cell.failed(), resolved))),
        }
    }));
    // What another lane lost at the same time has been said.
    let apart = |one: &&Disruption| one.from > worst.to || one.to < worst.from;
    let others = found.iter().flatten().filter(apart).count() as u64;
    if others > 0 {
        parts.push(format!("{} at other times", some(others, "disruption")));
    }
    Some(parts.join("; "))
}

/// `40 % of new connections failed (connect-timeout, refused)`.
fn lost(policy: Policy, lane: &LaneObservations, worst: &Disruption) -> String {
    let all = worst.cell_of(lane).classes.into_iter();
    let mut classes: Vec<_> = all.filter(|(class, _)| class.health() == Health::Failed).collect();
    classes.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
    let more = classes.split_off(classes.len().min(NAMED)).len();
    let named = classes.iter().map(|(class, _)| class.to_string()).collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let cost = match (worst.failed, worst.failed == worst.resolved, policy) {
        (1, true, Policy::New) => "1 new connection".to_owned(),
        (1, true, Policy::Reused) => "1 request on a kept connection".to_owned(),
        (_, true, _) => format!("all {}", who(policy)),
        (_, false, _) => format!("{} of {}", share(worst.failed, worst.resolved), who(policy)),
    };
    format!("{cost} failed ({named}{more})")
}

/// What people call the probes of a lane.
const fn who(policy: Policy) -> &'static str {
    match policy {
        Policy::New => "new connections",
        Policy::Reused => "requests on kept connections",
    }
}

/// A share in words that neither hides a loss nor makes all of almost all: `all`, `40 %`, `0.3 %`, `none`.
#[expect(clippy::cast_precision_loss, reason = "a share in words has two digits")]
pub(super) fn share(failed: u64, resolved: u64) -> String {
    let percent = failed as f64 * 100.0 / resolved.max(1) as f64;
    match failed {
        0 => "none".to_owned(),
        _ if failed == resolved => "all".to_owned(),
        _ if percent >= 99.5 => "over 99 %".to_owned(),
        _ if percent >= 1.0 => format!("{percent:.0} %"),
        _ if percent >= 0.1 => format!("{percent:.1} %"),
        _ => "less than 0.1 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::{Class, Unsent};
    use lapse_measure::phase::Phase;
    use lapse_record::record::Record;
    use lapse_record::sample::{Answer, Sample, healthy};

    fn told(record: &Record) -> Vec<String> {
        let names = record.about.names();
        sentences(record.case(&names))
    }

    #[test]
    fn partial_loss_is_one_sentence_and_not_hundreds_of_outages() {
        let sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
        let record = sample.record(5000, |lane, ms| match (lane.policy, ms) {
            (Policy::New, 1001..3000) if ms % 10 < 4 => Answer::after(Class::Refused, 200),
            (Policy::Reused, 2000) => Answer::after(Class::Closed, 200),
            _ => Answer::after(Class::Ok, 200),
        });
        let expected = "for 1.99 s, 40 % of new connections failed (refused); requests on kept connections lost 0.1 %";
        assert_eq!(told(&record), [expected]);
    }

    #[test]
    fn only_what_happened_at_other_times_is_counted_besides() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(5000, |lane, ms| match (lane.policy, ms) {
            (_, 1000..1100) | (Policy::New, 3000..3010) => Answer::after(Class::Refused, 200),
            _ => Answer::after(Class::Ok, 200),
        });
        let expected = "for 100 ms, all requests on kept connections failed (refused); new connections lost all; \
                        1 disruption at other times";
        assert_eq!(told(&record), [expected]);
    }

    #[test]
    fn a_lane_that_was_blind_meanwhile_is_not_said_to_have_lost_nothing() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(3000, |lane, ms| match (lane.policy, ms) {
            (Policy::New, 1000..1100) => Answer::after(Class::Refused, 200),
            (Policy::Reused, 900..1200) => Answer::after(Class::NotSent(Unsent::Stall), 0),
            _ => Answer::after(Class::Ok, 200),
        });
        let expected =
            "for 100 ms, all new connections failed (refused); of requests on kept connections nothing is known";
        assert_eq!(told(&record), [expected]);
    }

    #[test]
    fn a_healthy_run_has_no_headline() {
        assert_eq!(told(&healthy()), Vec::<String>::new());
    }

    #[test]
    fn a_share_hides_no_loss_and_claims_no_more_than_was_lost() {
        let said = [(0, 9), (9, 9), (9_999, 10_000), (4, 10), (3, 1000), (1, 100_000)];
        let said = said.map(|(failed, resolved)| share(failed, resolved));
        assert_eq!(said, ["none", "all", "over 99 %", "40 %", "0.3 %", "less than 0.1 %"]);
    }
}
