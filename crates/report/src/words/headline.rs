//! The first sentence of every report: for how long which share of whose requests failed, as a person would say it.

use super::phrase::{share, some};
use lapse_measure::disruption::Disruption;
use lapse_measure::lane::Policy;
use lapse_measure::observations::LaneObservations;
use lapse_measure::time::Human;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Classes that are named; the others are summed up.
const NAMED: usize = 3;

/// A sentence for each target that lost requests, about the disruption that cost it most.
pub(crate) fn sentences(record: &Record) -> Vec<String> {
    record.summary.targets.iter().filter_map(|target| sentence(record, target)).collect()
}

fn sentence(record: &Record, target: &TargetSummary) -> Option<String> {
    let lanes = record.seen.lanes_of(target.id);
    let all = || lanes.iter().flat_map(|lane| lane.disruptions.iter().map(move |one| (*lane, one)));
    // Of equals the first: the same record gives the same words.
    let (lane, worst) = all().reduce(|worst, next| if next.1.failed > worst.1.failed { next } else { worst })?;
    let name = if record.summary.targets.len() > 1 { format!("{}: ", target.name) } else { String::new() };
    let (length, cost) = (Human(worst.length().estimate), lost(lane, worst));
    let mut parts = vec![format!("{name}for {length}, {cost}")];
    parts.extend(lanes.iter().filter(|other| other.id != lane.id).filter_map(|other| {
        let (cell, who) = (worst.cell_of(&other.timeline), who(other.lane.policy));
        match (cell.due(), cell.resolved()) {
            (0, _) => None,
            // Blind is not up: what was not sent was not answered either.
            (_, 0) => Some(format!("of {who} nothing is known")),
            (_, resolved) => Some(format!("{who} lost {}", share(cell.failed(), resolved))),
        }
    }));
    // What another lane lost at the same time is in the sentence already.
    let apart = |one: &&Disruption| one.from > worst.to || one.to < worst.from;
    let others = all().map(|(_, one)| one).filter(apart).count() as u64;
    if others > 0 {
        parts.push(format!("{} at other times", some(others, "disruption")));
    }
    Some(parts.join("; "))
}

/// `40 % of new connections failed (connect-timeout, refused)`.
fn lost(lane: &LaneObservations, worst: &Disruption) -> String {
    let policy = lane.lane.policy;
    let mut classes: Vec<_> = worst.classes_of(&lane.timeline).into_iter().collect();
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

/// The noun for the probes of a lane with this policy, in the plural.
const fn who(policy: Policy) -> &'static str {
    match policy {
        Policy::New => "new connections",
        Policy::Reused => "requests on kept connections",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::{Class, Unsent};
    use lapse_measure::phase::Phase;
    use lapse_record::sample::{Answer, Sample, healthy};

    fn told(record: &Record) -> Vec<String> {
        sentences(record)
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
}
