use std::time::Duration;

use lapse_measure::answer::{Class, Unsent};
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_record::entry::Entry;
use lapse_record::sample::{Answer, Sample};

use super::*;

const OK: Answer = Answer::after(Class::Ok, 300);

/// An upgrade whose event begins after a second, or after `event` milliseconds.
fn sample(event: u64) -> Sample {
    Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, event)
}

fn run(name: &str, sample: Sample, length: u64, answer: impl Fn(Policy, u64) -> Answer) -> Run {
    Run { name: name.to_owned(), record: sample.record(length, |lane, ms| answer(lane.policy, ms)) }
}

/// A run of four seconds in which requests are refused from `from` ms on for `length` ms.
fn down(name: &str, from: u64, length: u64) -> Run {
    run(name, sample(1_000), 4_000, move |_, ms| match ms {
        ms if (from..from + length).contains(&ms) => Answer::after(Class::Refused, 200),
        _ => OK,
    })
}

fn healthy(name: &str) -> Run {
    down(name, 0, 0)
}

fn tolerances(all: &[&str]) -> Tolerances {
    Tolerances::of(all.iter().map(|one| one.parse().unwrap()).collect()).unwrap()
}

/// The conclusion, and each change but those of latency: `failed new worse`.
fn compared(base: Run, run: Run, tolerate: &[&str]) -> (Conclusion, Vec<String>) {
    let runs = [base, run];
    let comparison = Comparison::of(&runs, &tolerances(tolerate)).unwrap();
    let one = &comparison.against[0];
    let said = |figure: &Figure| {
        let change = match &figure.change {
            Change::Better => "better".to_owned(),
            Change::Worse if figure.is_regression => "worse".to_owned(),
            Change::Worse => "tolerated".to_owned(),
            Change::NotShown(_) => return None,
            Change::Undecided(doubt) => format!("undecided: {}", doubt.why),
        };
        Some(format!("{} {} {change}", figure.measure, figure.of))
    };
    (one.conclusion, one.figures.iter().filter_map(said).collect())
}

fn doubts(base: Run, run: Run) -> Vec<String> {
    let runs = [base, run];
    let comparison = Comparison::of(&runs, &Tolerances::default()).unwrap();
    assert_eq!(comparison.conclusion, Conclusion::Inconclusive);
    comparison.against[0].doubts.clone()
}

fn remarks(base: Run, run: Run) -> Vec<String> {
    let runs = [base, run];
    Comparison::of(&runs, &Tolerances::default()).unwrap().against[0].remarks.clone()
}

#[test]
fn a_longer_outage_is_a_regression_by_every_figure_and_the_other_way_round_an_improvement() {
    let (conclusion, worse) = compared(down("a", 2_000, 100), down("b", 2_100, 400), &[]);
    let figures = ["failed reused", "failed new", "downtime shop", "disruption shop", "outage shop"];
    assert_eq!((conclusion, worse), (Conclusion::Regression, figures.map(|one| format!("{one} worse")).to_vec()));
    let (conclusion, better) = compared(down("a", 2_100, 400), down("b", 2_000, 100), &[]);
    assert_eq!((conclusion, better), (Conclusion::NoRegression, figures.map(|one| format!("{one} better")).to_vec()));
}

#[test]
fn a_run_compared_with_itself_or_with_its_like_shows_nothing() {
    for (one, other) in [(100, 100), (0, 0), (300, 303)] {
        let compared = compared(down("a", 2_000, one), down("b", 2_345, other), &[]);
        assert_eq!(compared, (Conclusion::NoRegression, vec![]), "{one} {other}");
    }
}

#[test]
fn what_is_tolerated_is_worse_and_no_regression() {
    let runs = || (down("a", 2_000, 100), down("b", 2_000, 200));
    let all = ["failed=5%", "downtime=150ms", "disruption=150%", "outage=any"];
    let (conclusion, changes) = compared(runs().0, runs().1, &all);
    assert_eq!(conclusion, Conclusion::NoRegression, "{changes:?}");
    assert!(changes.iter().all(|change| change.ends_with("tolerated")), "{changes:?}");
    let (conclusion, changes) =
        compared(runs().0, runs().1, &["failed=5%", "downtime=50ms", "disruption=150%", "outage=any"]);
    assert_eq!(conclusion, Conclusion::Regression);
    assert!(changes.contains(&"downtime shop worse".to_owned()), "{changes:?}");
}

#[test]
fn latency_is_a_regression_only_if_it_is_named() {
    let slow = |name, micros| run(name, sample(1_000), 6_000, move |_, _| Answer::after(Class::Ok, micros));
    assert_eq!(compared(slow("a", 300), slow("b", 3_000), &[]).0, Conclusion::NoRegression);
    assert_eq!(compared(slow("a", 300), slow("b", 3_000), &["p50=20%"]).0, Conclusion::Regression);
    assert_eq!(compared(slow("a", 300), slow("b", 3_000), &["p50=5ms"]).0, Conclusion::NoRegression);
}

/// A run of which a part was not seen, or that was not whole, cannot be better than one that lost requests.
#[test]
fn a_run_that_is_blind_cut_or_inconclusive_never_looks_better() {
    let blind = run("b", sample(1_000), 4_000, |_, ms| match ms {
        2_000..2_400 => Answer::after(Class::NotSent(Unsent::Stall), 0),
        _ => OK,
    });
    let cut = || Run {
        name: "b".to_owned(),
        record: sample(1_000)
            .beside(4_000, Entry::Phase(Phase::Settle, lapse_measure::time::Offset::from_millis(4_000)))
            .cut(|_, _| OK),
    };
    let failed = run("b", sample(1_000).command("helm upgrade", (1_000, 1_200), 1, &[]), 4_000, |_, _| OK);
    let stalled =
        run("b", sample(1_000).beside(3_000, Entry::Doubt("the rollout stalled".to_owned())), 4_000, |_, _| OK);
    for (run, why) in [
        (blind, "not sent"),
        (cut(), "the record of b breaks off"),
        (failed, "the command of b failed"),
        (stalled, "b is inconclusive: the rollout stalled"),
    ] {
        let (conclusion, changes) = compared(down("a", 2_000, 300), run, &[]);
        assert_eq!(conclusion, Conclusion::Inconclusive, "{why}");
        assert!(!changes.is_empty() && changes.iter().all(|change| change.contains("undecided")), "{changes:?}");
        assert!(changes[0].contains(why), "{changes:?}");
    }
    // Nor is anything worse than it, since it may have lost as much.
    let (conclusion, changes) = compared(cut(), down("a", 2_000, 300), &[]);
    assert_eq!(conclusion, Conclusion::Inconclusive, "{changes:?}");
    // What it lost until then is lost for sure.
    let lossy = Run {
        name: "b".to_owned(),
        record: sample(1_000)
            .beside(4_000, Entry::Act("x".to_owned(), lapse_measure::time::Offset::from_millis(4_000)))
            .cut(|_, ms| if (2_000..2_300).contains(&ms) { Answer::after(Class::Refused, 200) } else { OK }),
    };
    assert_eq!(compared(healthy("a"), lossy, &[]).0, Conclusion::Regression);
}

#[test]
fn a_run_that_could_not_see_an_outage_is_no_measure_for_one_that_did() {
    let blind = run("a", sample(1_000), 4_000, |_, ms| match ms {
        2_000..2_400 => Answer::after(Class::NotSent(Unsent::Stall), 0),
        _ => OK,
    });
    let all = doubts(blind, down("b", 2_000, 300));
    assert!(all.iter().any(|doubt| doubt.contains("were not sent, and could have failed")), "{all:?}");
    assert!(all.iter().any(|doubt| doubt.contains("of a may have been up to 40")), "{all:?}");
}

/// What came with the event is no smaller share for a run that went on for longer.
#[test]
fn the_length_of_a_run_is_no_difference() {
    let long = run("b", sample(2_000), 30_000, |_, ms| match ms {
        3_000..3_300 => Answer::after(Class::Refused, 200),
        _ => OK,
    });
    let runs = [down("a", 2_000, 300), long];
    let comparison = Comparison::of(&runs, &Tolerances::default()).unwrap();
    assert!(
        comparison.against[0].figures.iter().all(|one| matches!(one.change, Change::NotShown(_))),
        "{comparison:?}"
    );
    assert_eq!(
        comparison.against[0].remarks,
        ["a was watched for 3.00 s from its event on, b for 28.0 s: the difference is one of shares of 28.0 s in both"]
    );
    // Without an event, a service that always loses one share loses more in a longer time.
    let noisy = |name, length| {
        run(name, Sample::of(&["shop"]).phase(Phase::Event, 0), length, |_, ms| match ms % 50 {
            0 | 7 => Answer::after(Class::Refused, 200),
            _ => OK,
        })
    };
    assert_eq!(compared(noisy("a", 4_000), noisy("b", 20_000), &[]).1, Vec::<String>::new());
}

#[test]
fn targets_and_lanes_that_only_one_run_has_are_named() {
    let of = |targets: &[&str]| Sample::of(targets).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
    let said =
        remarks(run("a", of(&["shop", "api"]), 3_000, |_, _| OK), run("b", of(&["shop", "web"]), 3_000, |_, _| OK));
    assert_eq!(
        said,
        [
            "only a has the target api: it is compared with nothing",
            "only b has the target web: it is compared with nothing"
        ]
    );
    let mut narrow = of(&["shop"]);
    narrow.about.targets[0].policies = vec![Policy::New];
    narrow.about.targets[0].url = "http://10.0.0.7/".to_owned();
    let said = remarks(healthy("a"), run("b", narrow, 4_000, |_, _| OK));
    assert_eq!(
        said,
        [
            "only a has the lane shop/reused: it is compared with nothing",
            "shop is http://shop/ in a, http://10.0.0.7/ in b",
        ]
    );
    let said = remarks(healthy("a"), run("b", of(&["till"]), 4_000, |_, _| OK));
    assert_eq!(said, ["shop of a and till of b are the only targets, so they are compared"]);
}

#[test]
fn runs_with_nothing_in_common_are_refused_with_what_each_has() {
    let of = |name, targets: &[&str]| run(name, Sample::of(targets).phase(Phase::Event, 0), 1_000, |_, _| OK);
    let runs = [of("a", &["shop", "api"]), of("b", &["web"])];
    let error = Comparison::of(&runs, &Tolerances::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "a and b have no target in common: a has shop/reused, shop/new, api/reused, api/new, b has web/reused, web/new: give \
         a target the same name in both with --target NAME=URL"
    );
    assert_eq!(Comparison::of(&runs[..1], &Tolerances::default()).unwrap_err(), Error::Alone);
}

#[test]
fn settings_that_matter_are_named_when_they_differ() {
    let mut other = sample(1_000);
    other.about.rate = lapse_measure::schedule::Rate::per_second(200).unwrap();
    other.about.timeout = Duration::from_secs(2);
    other.about.gate = Duration::from_millis(50);
    let said = remarks(healthy("a"), run("b", other, 4_000, |_, _| OK));
    assert_eq!(
        said,
        [
            "a sent 1000 probes a second to each target, b 200: with 200 a second, b sees short outages less surely",
            "disruptions of a go by a gate of 300 ms, those of b by one of 50 ms",
            "probes of a had 6.00 s to be answered (--timeout), those of b 2.00 s",
        ]
    );
}

#[test]
fn failures_at_a_shorter_timeout_are_no_regression() {
    let mut short = sample(1_000);
    short.about.timeout = Duration::from_secs(1);
    let short = run("b", short, 4_000, |_, ms| match ms {
        2_000..2_300 => Answer::after(Class::ResponseTimeout, 1_000_000),
        _ => OK,
    });
    let all = doubts(healthy("a"), short);
    assert!(all[0].contains("probes of b ended at its shorter --timeout"), "{all:?}");
}

#[test]
fn each_run_is_compared_with_the_first_and_the_worst_decides() {
    let runs = [down("a", 2_000, 200), healthy("b"), down("c", 2_000, 400), healthy("d")];
    let comparison = Comparison::of(&runs, &Tolerances::default()).unwrap();
    let conclusions: Vec<_> = comparison.against.iter().map(|one| (one.run.name.as_str(), one.conclusion)).collect();
    let none = Conclusion::NoRegression;
    assert_eq!(conclusions, [("b", none), ("c", Conclusion::Regression), ("d", none)]);
    assert_eq!((comparison.conclusion, comparison.conclusion.exit_code()), (Conclusion::Regression, 1));
}
