use super::super::budget::WorstShare;
use super::super::fold::Fold;
use super::super::lane::{Lane, LaneId};
use super::super::notation::{lanes, probes, seen};
use super::super::time::Offset;
use super::*;
use proptest::prelude::*;

fn judged(notation: &str, limit: Limit, ending: Ending) -> (Conclusion, Vec<String>) {
    let seen = seen(&[notation]);
    let budget = Budget { name: "max".to_owned(), scope: Scope::EachTarget, limit };
    let window = seen.phases.judged(seen.end);
    let verdict = judge(&seen, &[(budget, window)], Rules::default(), ending);
    let breaches = verdict.breaches.iter().map(ToString::to_string);
    (verdict.conclusion, breaches.chain(verdict.inconclusive).collect())
}

#[test]
fn no_failure_passes_and_any_other_fails() {
    assert_eq!(judged("......", Limit::Failed(0), Ending::Complete), (Conclusion::Pass, vec![]));
    let broken = "max: 1 of 6 probes failed (a single probe decides this) on shop, allowed: no failed probe".to_owned();
    assert_eq!(judged("...x..", Limit::Failed(0), Ending::Complete), (Conclusion::Fail, vec![broken]));
}

#[test]
fn a_command_that_failed_beats_a_broken_budget_and_an_interruption_beats_both() {
    assert_eq!(judged("..x..", Limit::Failed(0), Ending::CommandFailed).0, Conclusion::CommandFailed);
    assert_eq!(judged("..x..", Limit::Failed(0), Ending::Interrupted).0, Conclusion::Interrupted);
}

#[test]
fn blind_time_in_the_event_is_a_doubt_and_a_seen_failure_beats_it() {
    let blind = |length: usize| format!("{0}{1}{0}", ".".repeat(100), "?".repeat(length));
    assert_eq!(judged(&blind(90), Limit::Failed(0), Ending::Complete), (Conclusion::Pass, vec![]));
    let (conclusion, why) = judged(&blind(120), Limit::Failed(0), Ending::Complete);
    assert_eq!(conclusion, Conclusion::Inconclusive);
    assert!(why[0].contains("an outage of 121 ms could have gone unseen, 90 ms after the run began"), "{why:?}");
    assert_eq!(judged(&format!("{}x.", blind(120)), Limit::Failed(0), Ending::Complete).0, Conclusion::Fail);
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
        ["no failed probe on shop: the baseline is not clean: before the event 1 of 5 probes failed (status 503 x1)"]
    );
}

#[test]
fn a_probe_on_its_way_when_the_event_began_says_nothing_against_the_baseline() {
    assert_eq!(with_baseline("....t.....").inconclusive, Vec::<String>::new());
}

/// The verdict on a lane of which the first half is the baseline, by the default budget.
fn with_baseline(notation: &str) -> Verdict {
    judge_halves(notation, default_budget(), Rules::default())
}

fn judge_halves(notation: &str, budget: Budget, rules: Rules) -> Verdict {
    let half = notation.len() as u64 / 2;
    let lanes = lanes(1);
    let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
    fold.begin(Phase::Baseline, Offset::ZERO);
    for probe in probes(notation) {
        if probe.slot == half {
            fold.begin(Phase::Event, probe.due);
        }
        fold.push(LaneId(0), probe, None);
    }
    let seen = fold.finish(Offset::from_millis(2 * half));
    judge(&seen, &[(budget, seen.phases.judged(seen.end))], rules, Ending::Complete)
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
    let verdict = judge(&seen, &[(budget, window)], Rules::default(), Ending::Complete);
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive);
    assert!(verdict.inconclusive[0].contains("an outage of 900 ms could have gone unseen"), "{verdict:?}");
}

#[test]
fn what_failed_throughout_the_baseline_is_a_doubt_and_no_failure() {
    let verdict = with_baseline("rrrrrrrrrr");
    assert_eq!((verdict.conclusion, verdict.breaches), (Conclusion::Inconclusive, vec![]));
    let why = &verdict.inconclusive[0];
    assert!(why.contains("it was failing before the event"), "{why}");
    assert!(why.contains("first suspect: nothing listens at that address and port"), "{why}");
}

#[test]
fn an_event_that_lost_much_more_than_the_baseline_fails_and_one_that_lost_as_much_does_not() {
    let (clean, lossy) = (".".repeat(99), format!("x{}", ".".repeat(99)));
    let verdict = with_baseline(&format!("{lossy}{}", "x".repeat(100)));
    assert_eq!(verdict.conclusion, Conclusion::Fail);
    let verdict = with_baseline(&format!("{lossy}{lossy}"));
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive);
    assert!(verdict.inconclusive[0].ends_with("; --max-failed 5.5% would judge it beside that noise"), "{verdict:?}");
    let verdict = with_baseline(&format!("{clean}x{clean}."));
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive, "a clean event does not make up for a dirty baseline");
}

#[test]
fn a_budget_that_the_baseline_keeps_is_judged_beside_its_noise() {
    let budget =
        |share| Budget { name: "--max-failed".to_owned(), scope: Scope::EachTarget, limit: Limit::FailedShare(share) };
    let noisy = format!("x{}", ".".repeat(499)).repeat(4);
    let verdict = judge_halves(&noisy, budget(0.01), Rules::default());
    assert_eq!((verdict.conclusion, verdict.inconclusive), (Conclusion::Pass, vec![]));
    let told = "before the event shop lost 0.20 % (0.02 to 0.72) of its probes, from then on 0.20 % (0.02 to 0.72)";
    assert_eq!(verdict.notes, [told]);
    let verdict = judge_halves(&noisy, budget(0.001), Rules::default());
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive, "{verdict:?}");
}

#[test]
fn failures_of_probes_that_were_sent_late_decide_nothing_alone() {
    let verdict = |late_ms: u64| {
        let lanes = lanes(1);
        let mut fold = Fold::new(&["shop".to_owned()], &lanes, &lanes[0].schedule);
        fold.begin(Phase::Event, Offset::ZERO);
        for mut probe in probes(&format!("{0}rrr{0}", ".".repeat(50))) {
            if probe.slot == 50 || probe.slot == 51 {
                (probe.sent, probe.done) = (probe.due + Duration::from_millis(3), probe.due + Duration::from_millis(3));
            }
            if probe.slot == 52 {
                probe.sent = probe.due + Duration::from_millis(late_ms);
                probe.done = probe.sent;
            }
            assert!(fold.push(LaneId(0), probe, None));
        }
        let seen = fold.finish(Offset::from_millis(103));
        judge(&seen, &[(default_budget(), seen.phases.judged(seen.end))], Rules::default(), Ending::Complete)
    };
    assert_eq!(verdict(0).conclusion, Conclusion::Fail);
    let held_up = verdict(2);
    assert_eq!(held_up.conclusion, Conclusion::Inconclusive);
    assert!(held_up.inconclusive[0].contains("sent late, while the prober itself was held up"), "{held_up:?}");
}

#[test]
fn failures_of_an_exhausted_service_decide_nothing_alone_where_the_rate_was_too_high() {
    let quiet = ".".repeat(200);
    let overrun = format!("{quiet}{0}tt{0}{quiet}", ".?".repeat(100));
    let (conclusion, why) = judged(&overrun, Limit::Failed(0), Ending::Complete);
    assert_eq!(conclusion, Conclusion::Inconclusive);
    assert!(why[0].contains("2 of 602 probes failed, but the prober may have exhausted the service"), "{why:?}");
    let answered = overrun.replace("tt", "tx");
    assert_eq!(judged(&answered, Limit::Failed(0), Ending::Complete).0, Conclusion::Fail, "a 503 is an answer");
    let kept = format!("{quiet}{quiet}tt{quiet}");
    assert_eq!(judged(&kept, Limit::Failed(0), Ending::Complete).0, Conclusion::Fail, "at a rate that was kept");
}

#[test]
fn what_is_shorter_than_asked_for_counts_against_no_budget_and_is_told() {
    let rules = Rules { ignore_shorter_than: Duration::from_millis(5), ..Rules::default() };
    let quiet = ".".repeat(400);
    let verdict = judge_halves(&format!("{quiet}{quiet}x{quiet}xx{quiet}...."), default_budget(), rules);
    assert_eq!((verdict.conclusion, verdict.breaches), (Conclusion::Pass, vec![]));
    assert_eq!(
        verdict.notes,
        ["not counted against budgets: 2 disruptions shorter than 5.00 ms, 3 failed probes in all"]
    );
    let longer = judge_halves(&format!("{quiet}{quiet}xxxxxxxx{quiet}"), default_budget(), rules);
    assert_eq!(longer.conclusion, Conclusion::Fail);
}

#[test]
fn a_windowed_budget_is_held_against_the_worst_stretch() {
    let limit = |share| Limit::FailedWithin(WorstShare { share, width: Duration::from_millis(100) });
    let lossy = format!("{0}{1}{0}", ".".repeat(1_000), "x.".repeat(25));
    assert_eq!(judged(&lossy, limit(0.25), Ending::Complete).0, Conclusion::Pass);
    let (conclusion, why) = judged(&lossy, limit(0.24), Ending::Complete);
    assert_eq!(conclusion, Conclusion::Fail);
    assert_eq!(
        why,
        ["max: 25.0 % of the probes failed in the worst 100 ms on shop, allowed: 24 % failed in any 100 ms"]
    );
}

#[test]
fn every_probe_ended_by_the_probers_own_timeout_is_a_doubt_where_none_ever_succeeded() {
    let (conclusion, why) = judged("tttttttttt", Limit::Failed(0), Ending::Complete);
    assert_eq!(conclusion, Conclusion::Inconclusive);
    assert!(why[0].contains("the prober's own --timeout"), "{why:?}");
    assert_eq!(judged("..tttttttt", Limit::Failed(0), Ending::Complete).0, Conclusion::Fail);
}

#[test]
fn a_limit_below_what_could_have_gone_unseen_is_a_doubt_with_the_rate_that_would_do() {
    let (conclusion, why) = judged("..........", Limit::Disruption(Duration::from_micros(500)), Ending::Complete);
    assert_eq!(conclusion, Conclusion::Inconclusive);
    assert!(why[0].ends_with(": --rate 2000/s would have found one of 0.50 ms"), "{why:?}");
    assert_eq!(judged("..........", Limit::Disruption(Duration::from_millis(2)), Ending::Complete).0, Conclusion::Pass);
}

#[test]
fn a_baseline_whose_failures_all_ended_at_the_probers_own_timeout_asks_for_a_longer_one() {
    let (late, lossy) = ("t".repeat(200), format!("t{}", ".".repeat(19)).repeat(10));
    let why = |notation: &str| {
        let verdict = with_baseline(notation);
        assert_eq!((verdict.conclusion, verdict.breaches), (Conclusion::Inconclusive, vec![]));
        verdict.inconclusive[0].clone()
    };
    let advice = "ended at the prober's own --timeout, from the start on: give it a longer one (in the baseline ";
    let all = why(&late);
    assert!(all.contains(&format!("100 of 100 probes failed, but every probe {advice}100 of 100")), "{all}");
    let some = why(&lossy);
    assert!(some.contains(&format!("5 of 100 probes failed, but every failed probe {advice}3 of 60")), "{some}");
    let clean = why(&format!("{}{}", &lossy[..100], ".".repeat(100)));
    assert!(clean.contains("(response-timeout x3); every failed probe ended at the prober's own --timeout"), "{clean}");
    let refused = why(&lossy.replacen('t', "r", 1));
    assert!(!refused.contains("the prober's own"), "{refused}");
}

#[test]
fn a_baseline_shorter_than_the_timeout_shows_nothing() {
    // Each probe takes 50 ms to time out: none of the baseline's has when the event begins.
    let verdict = with_baseline(&"t".repeat(80));
    assert_eq!(verdict.conclusion, Conclusion::Inconclusive, "{verdict:?}");
    assert!(verdict.inconclusive[0].contains("every probe ended at the prober's own --timeout"), "{verdict:?}");
}

fn breach_that_lasts(notation: &str, limit: &Limit, ignored_ms: u64) -> Option<String> {
    let seen = seen(&[notation]);
    let budget = Budget { name: "max".to_owned(), scope: Scope::EachTarget, limit: limit.clone() };
    let rules = Rules { ignore_shorter_than: Duration::from_millis(ignored_ms), ..Rules::default() };
    let window = seen.phases.judged(seen.end);
    lasting_breach(&seen, &[(budget, window)], rules).map(|breach| breach.to_string())
}

#[test]
fn what_was_lost_is_lost_for_good_and_a_share_is_not() {
    let lasts = |notation: &str, limit| breach_that_lasts(notation, &limit, 0);
    let said = "max: 3 of 5 probes failed on shop, allowed: 1 failed probe";
    assert_eq!(lasts("..xxx", Limit::Failed(1)).unwrap(), said);
    assert_eq!(lasts("..x.", Limit::Failed(1)), None);
    assert_eq!(lasts("xxxx", Limit::FailedShare(0.1)), None);
    assert_eq!(lasts("xxxx", Limit::Availability(0.9)), None);
    assert_eq!(lasts("....", Limit::Loss), None, "a loss may yet come");
    let of = Duration::from_millis;
    assert!(lasts(".xxxxxx", Limit::Outage(of(4))).is_some(), "it has lasted for 5 ms, and goes on");
    assert!(lasts(".xxxxx", Limit::Outage(of(4))).is_none());
    assert!(lasts(".xx..x.x", Limit::Disruption(of(5))).is_some());
    // It may yet turn out to be one of those that do not count.
    assert!(breach_that_lasts("..xx", &Limit::Failed(1), 10).is_none());
    assert!(breach_that_lasts("..xxxxxxxxxxxx", &Limit::Failed(1), 10).is_some());
}

proptest! {
    #[test]
    fn a_breach_that_lasts_is_one_after_any_rest_of_the_run(
        notation in "([.]{1,40}|x{1,40}|[.x]{1,40}|s{1,9}){1,12}", share in 0.0..1.0_f64, ms in 1_u64..60,
    ) {
        let of = Duration::from_millis(ms);
        let limits = [
            Limit::Downtime(of), Limit::Disruption(of), Limit::Outage(of), Limit::Down(of), Limit::Slow(of),
            Limit::Failed(ms), Limit::FailedShare(0.1), Limit::Availability(0.9), Limit::Impaired(Duration::ZERO, of),
        ];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part")]
        let so_far = (notation.len() as f64 * share) as usize;
        for limit in limits {
            if let Some(breach) = breach_that_lasts(&notation[..so_far], &limit, 0) {
                let (conclusion, why) = judged(&notation, limit, Ending::Complete);
                prop_assert_eq!(conclusion, Conclusion::Fail, "{} of {}, then {:?}", breach, &notation[..so_far], why);
            }
        }
    }
}
