use super::super::fold::Fold;
use super::super::lane::{Lane, LaneId};
use super::super::notation::{lanes, probes, seen};
use super::super::time::Offset;
use super::*;

fn judged(notation: &str, limit: Limit, ending: Ending) -> (Conclusion, Vec<String>) {
    let seen = seen(&[notation]);
    let budget = Budget { name: "max".to_owned(), scope: Scope::EachTarget, limit };
    let window = seen.phases.judged(seen.end);
    let verdict = judge(&seen, &[(budget, window)], MaxBlind::default(), ending);
    let breaches = verdict.breaches.iter().map(ToString::to_string);
    (verdict.conclusion, breaches.chain(verdict.inconclusive).collect())
}

#[test]
fn no_failure_passes_and_any_other_fails() {
    assert_eq!(judged("......", Limit::Failed(0), Ending::Complete), (Conclusion::Pass, vec![]));
    let broken = "max: 1 of 6 probes failed on shop, allowed: no failed probe".to_owned();
    assert_eq!(judged("...x..", Limit::Failed(0), Ending::Complete), (Conclusion::Fail, vec![broken]));
}

#[test]
fn a_command_that_failed_beats_a_broken_budget_and_an_interruption_beats_both() {
    assert_eq!(judged("..x..", Limit::Failed(0), Ending::CommandFailed).0, Conclusion::CommandFailed);
    assert_eq!(judged("..x..", Limit::Failed(0), Ending::Interrupted).0, Conclusion::Interrupted);
}

#[test]
fn blind_time_in_the_event_is_a_doubt_and_a_seen_failure_beats_it() {
    let blind = format!("{}????{}", ".".repeat(100), ".".repeat(100));
    assert_eq!(judged(&blind, Limit::Failed(0), Ending::Complete).0, Conclusion::Inconclusive);
    assert_eq!(judged(&format!("{blind}x."), Limit::Failed(0), Ending::Complete).0, Conclusion::Fail);
    assert_eq!(judged("", Limit::Failed(0), Ending::Complete).0, Conclusion::Inconclusive);
}

#[test]
fn a_bound_that_reaches_over_the_limit_is_a_doubt() {
    let limit = Limit::Outage(Duration::from_millis(4));
    assert_eq!(judged("....xxxx....", limit.clone(), Ending::Complete).0, Conclusion::Inconclusive);
    assert_eq!(judged("....xxx.....", limit.clone(), Ending::Complete).0, Conclusion::Pass);
    assert_eq!(judged("....xxxxxx..", limit, Ending::Complete).0, Conclusion::Fail);
}

#[test]
fn a_baseline_that_failed_is_a_doubt_and_breaks_no_budget() {
    let verdict = with_baseline("..x.......");
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive);
    assert_eq!(
        verdict.inconclusive,
        ["the baseline of shop is not clean: 1 of 5 probes failed before the event (status 503 x1)"]
    );
}

#[test]
fn a_probe_on_its_way_when_the_event_began_says_nothing_against_the_baseline() {
    assert_eq!(with_baseline("....t.....").inconclusive, Vec::<String>::new());
}

/// The verdict on a lane of which the first five slots are the baseline.
fn with_baseline(notation: &str) -> Verdict {
    let lanes = lanes(1);
    let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
    fold.begin(Phase::Baseline, Offset::ZERO);
    for probe in probes(notation) {
        if probe.slot == 5 {
            fold.begin(Phase::Event, probe.due);
        }
        fold.push(LaneId(0), probe, None);
    }
    let seen = fold.finish(Offset::from_millis(10));
    let budgets = [(default_budget(), seen.phases.judged(seen.end))];
    judge(&seen, &budgets, MaxBlind::default(), Ending::Complete)
}

/// A lane that lost two of five probes at random for 2 s, with a second before and after.
fn two_of_five_lost() -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        if state % 5 < 2 { 'x' } else { '.' }
    };
    let lost: String = (0..2_000).map(|_| draw()).collect();
    format!("{0}{lost}{0}", ".".repeat(1_000))
}

#[test]
fn a_share_lost_for_two_seconds_breaks_a_limit_on_disruptions_and_keeps_one_on_downtime() {
    let notation = two_of_five_lost();
    let limit = Limit::Disruption(Duration::from_millis(300));
    let (conclusion, why) = judged(&notation, limit, Ending::Complete);
    assert_eq!(conclusion, Conclusion::Fail);
    assert!(
        why[0].starts_with("max: one disruption of 19") || why[0].starts_with("max: one disruption of 20"),
        "{why:?}"
    );
    assert!(why[0].contains(" that lost 4") || why[0].contains(" that lost 39."), "{why:?}");
    let limit = Limit::Downtime(Duration::from_secs(1));
    assert_eq!(judged(&notation, limit, Ending::Complete), (Conclusion::Pass, vec![]));
    let strict = Limit::Outage(Duration::from_millis(300));
    assert_eq!(judged(&notation, strict, Ending::Complete).0, Conclusion::Pass, "no strict outage is that long");
}

#[test]
fn a_limit_below_what_could_have_gone_unseen_is_a_doubt() {
    let schedule =
        super::super::schedule::Schedule::alone(super::super::schedule::Rate::per_second(1).unwrap(), Offset::ZERO);
    let lanes = [Lane { schedule, ..lanes(1)[0] }];
    let mut fold = Fold::new(&["shop".to_owned()], &lanes, &schedule);
    fold.begin(Phase::Event, Offset::ZERO);
    assert!(fold.push(LaneId(0), probes(".")[0], None));
    let seen = fold.finish(Offset::from_millis(900));
    let limit = Limit::Disruption(Duration::from_millis(10));
    let budget = Budget { name: "--max-outage".to_owned(), scope: Scope::EachTarget, limit };
    let window = seen.phases.judged(seen.end);
    let verdict = judge(&seen, &[(budget, window)], MaxBlind::default(), Ending::Complete);
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive);
    assert!(verdict.inconclusive[0].contains("could have gone unseen between two probes"), "{verdict:?}");
}

#[test]
fn what_failed_throughout_the_baseline_is_a_doubt_and_no_failure() {
    let verdict = with_baseline("xxxxxxxxxx");
    assert_eq!((verdict.conclusion, verdict.breaches), (Conclusion::Inconclusive, vec![]));
    assert!(verdict.inconclusive[0].contains("it was failing before the event"), "{:?}", verdict.inconclusive);
    assert_eq!(with_baseline("xxx..x.xx.").conclusion, Conclusion::Fail);
}
